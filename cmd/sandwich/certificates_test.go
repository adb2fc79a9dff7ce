package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// soundCertificates are those of a site with so many hosts.
func soundCertificates(n int) (list []certificate) {
	for i := range n {
		list = append(list, certificate{Host: fmt.Sprintf("host-%03d.client-x.example", i), State: "ok", From: "auto", Ends: time.Now().Add(60*24*time.Hour + time.Minute)})
	}
	return list
}

func TestOneCertificateIsALine(t *testing.T) {
	list := soundCertificates(1)
	want := "  certificate: host-000.client-x.example: ok, from auto, until " + list[0].Ends.Format(time.DateOnly) + ", 60 days"
	if got := certificateLines("client-x", list, 0); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCertificatesOfManyHostsAreFewLines(t *testing.T) {
	list := soundCertificates(100)
	for i := range 5 {
		list[50+i].State, list[50+i].Problem = "failing", fmt.Sprintf("reason %d", i)
	}
	lines := certificateLines("client-x", list, 100)
	text := strings.Join(lines, "\n")
	if len(lines) != 7 || !strings.Contains(lines[0], "host-050.client-x.example: failing") || lines[1] != "    reason 0" {
		t.Errorf("what wants attention is not first:\n%s", text)
	}
	if want := "  certificates: 97 more (sandwich tls status client-x)"; lines[6] != want {
		t.Errorf("the last line is %q, want %q", lines[6], want)
	}
	good := certificateLines("client-x", soundCertificates(100), 100)
	if len(good) != 1 || !strings.Contains(good[0], " and 99 more: ok") || len(good[0]) > 100 {
		t.Errorf("a hundred good ones are %d lines: %q", len(good), good)
	}
}
