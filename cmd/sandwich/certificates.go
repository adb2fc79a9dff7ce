package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// grouped puts certificates together of which the same is to be said, in the order in which that comes up.
func grouped(list []certificate, said func(certificate) string) [][]certificate {
	var groups [][]certificate
	place := map[string]int{}
	for _, c := range list {
		i, ok := place[said(c)]
		if !ok {
			i = len(groups)
			place[said(c)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], c)
	}
	return groups
}

func hostsOf(list []certificate) []string {
	hosts := make([]string, len(list))
	for i, c := range list {
		hosts[i] = c.Host
	}
	return hosts
}

// urgency is the order in which certificates are told of.
var urgency = []string{"expired", "failing", "expiring", "waiting", "ok"}

// A project may have a hundred hosts: these bound what status says of their certificates.
const (
	mostGroups = 3
	hostsWidth = 60
)

// certificateLines are a project's certificates as status tells them, those that want attention
// first: a line for all of which the same is to be said, and below it what is wrong.
func certificateLines(project string, list []certificate, width int) []string {
	groups := grouped(list, func(c certificate) string { return c.line() + c.Problem })
	slices.SortStableFunc(groups, func(a, b []certificate) int {
		return cmp.Compare(slices.Index(urgency, a[0].State), slices.Index(urgency, b[0].State))
	})
	var lines []string
	for _, g := range groups[:min(len(groups), mostGroups)] {
		c := g[0]
		room := hostsWidth
		if width > 0 {
			room = max(width-len("  certificate: : ")-len(c.line()), 1)
		}
		lines = append(lines, "  certificate: "+fitting(hostsOf(g), ", ", room)+": "+c.line())
		if c.Problem != "" {
			lines = append(lines, "    "+c.Problem)
		}
	}
	if left := slices.Concat(groups[min(len(groups), mostGroups):]...); len(left) > 0 {
		lines = append(lines, fmt.Sprintf("  certificates: %d more (sandwich tls status %s)", len(left), project))
	}
	return lines
}

// line is what status says of a certificate, without its host.
func (c certificate) line() string {
	return strings.Join([]string{c.State, "from " + c.From, "until " + c.Ends.Format(time.DateOnly), lasts(c.Ends)}, ", ")
}
