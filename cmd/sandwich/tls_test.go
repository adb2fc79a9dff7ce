package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
)

func TestCertificatesAreChosenByHostOrProject(t *testing.T) {
	found := map[string]dbusctl.Certificate{
		"a.example": {Host: "a.example", Project: "a", State: "ok"}, "www.a.example": {Host: "www.a.example", Project: "a", State: "ok"},
		"b.example": {Host: "b.example", Project: "b", State: "expired", Problem: "the CA refuses"},
	}
	for args, want := range map[string]int{"": 3, "a": 2, "www.a.example": 1, "a b.example": 3} {
		list, err := chooseCertificates(found, strings.Fields(args))
		if err != nil || len(list) != want {
			t.Errorf("%q: %v, %v", args, list, err)
		}
	}
	var exit *exitError
	if _, err := chooseCertificates(found, []string{"c"}); !errors.As(err, &exit) || exit.code != exitNoProject {
		t.Errorf("a host that nobody has: %v", err)
	}
	var out bytes.Buffer
	list, _ := chooseCertificates(found, nil)
	term := &terminal{stdout: &out, stderr: &out}
	if err := term.printCertificates(list, false); err != nil || !strings.Contains(out.String(), "b.example: the CA refuses") {
		t.Errorf("%v:\n%s", err, out.String())
	}
	if list[0].wantsAttention() || !list[1].wantsAttention() {
		t.Error("the exit code says something else")
	}
}

func TestThePlanCountsOrdersForEachRegisteredDomain(t *testing.T) {
	r := &route.Route{Name: "a", Domains: []string{"a.co.uk", "www.a.co.uk", "a.example"}, TLS: &route.TLS{Mode: route.TLSAuto}}
	served := map[string]dbusctl.Certificate{
		"a.co.uk":     {From: route.TLSAuto, CA: route.LetsEncrypt, State: "ok", Ends: time.Now().Add(time.Hour)},
		"www.a.co.uk": {From: route.TLSInternal, Problem: "the name is not in DNS"},
	}
	hosts := planHosts(r, served)
	steps := map[string]string{}
	for _, h := range hosts {
		steps[h.Host] = h.Step + ": " + h.Why
	}
	if !strings.HasPrefix(steps["a.co.uk"], "keep") || steps["www.a.co.uk"] != "order: the name is not in DNS" || steps["a.example"] != "order: none yet" {
		t.Errorf("%v", steps)
	}
	domains := countDomains(hosts, map[string]uint32{"a.co.uk": 50, "a.example": 49})
	if len(domains) != 2 || domains[0] != (plannedDomain{"a.co.uk", 50, 1, 50}) || !domains[0].isOver() || domains[1].isOver() {
		t.Errorf("%+v", domains)
	}
	r.TLS.CA = "https://ca.example/dir"
	if domains := countDomains(planHosts(r, nil), nil); domains[0].Limit != 0 || domains[0].Planned != 2 {
		t.Errorf("of another CA nothing is known: %+v", domains)
	}
	r.TLS = nil
	if domains := countDomains(planHosts(r, nil), nil); len(domains) != 0 {
		t.Errorf("%+v", domains)
	}
}

func TestOnlyACertificateIsTrusted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "root.crt")
	if _, err := readRoot(file); err == nil || !strings.Contains(err.Error(), "there is no internal CA yet") {
		t.Error(err)
	}
	for _, content := range []string{"", "rubbish", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readRoot(file); err == nil {
			t.Errorf("%q is trusted", content)
		}
	}
}
