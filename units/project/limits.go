package project

import (
	"fmt"
	"strings"
)

var limitSettings = []setting[Limits]{
	{"memory", text(func(l *Limits) *string { return &l.Memory }, memory)},
	{"memory_high", text(func(l *Limits) *string { return &l.MemoryHigh }, memory)},
	{"cpu", text(func(l *Limits) *string { return &l.CPU }, cpu)},
	{"io_read", text(func(l *Limits) *string { return &l.IORead }, bandwidth)},
	{"io_write", text(func(l *Limits) *string { return &l.IOWrite }, bandwidth)},
	{"tasks", number(func(l *Limits) *int { return &l.Tasks }, 0, 1<<22)},
}

func decodeLimits(d *decoder, g *group) {
	l := &d.p.Limits
	fill(d, g, limitSettings, l)
	high, okHigh := bytesOf(l.MemoryHigh)
	most, okMost := bytesOf(l.Memory)
	if okHigh && okMost && high > most {
		d.refuse(d.source.At("limits.memory_high"), "limits.memory_high is above limits.memory",
			fmt.Sprintf("Processes would be killed at %s before they are slowed down at %s. Make it smaller than memory.", l.Memory, l.MemoryHigh))
	}
}

func bytesOf(s string) (int64, bool) {
	if s == "" || strings.HasSuffix(s, "%") || s == "infinity" {
		return 0, false
	}
	n, f := parseSize(s)
	return n, f == nil
}

// The forms are systemd's own (systemd.resource-control(5)): sizes in K, M, G, T to the base 1024.
var (
	memoryForm  = newPattern(`^([1-9][0-9]{0,14})([KMGT]?)$`)
	percentForm = newPattern(`^(100|[1-9][0-9]?)%$`)
	cpuForm     = newPattern(`^([1-9][0-9]{0,5}|0)(\.[0-9]{1,2})?%$`)
	sizeSuffix  = newPattern(`(?i)i?b$`)
)

func memory(_ *decoder, s string) (string, *fault) {
	short := strings.ToUpper(sizeSuffix.ReplaceAllString(strings.ReplaceAll(s, " ", ""), ""))
	if percentForm.MatchString(s) || s == "infinity" {
		return s, nil
	}
	n, f := parseSize(short)
	if !memoryForm.MatchString(short) || f != nil {
		return "", wrong("is no amount of memory", `Write it like "512M", "2G" or "25%".`)
	}
	if n < 1<<20 {
		return "", wrong("is too little memory", `Nothing starts with less than a megabyte. Write it like "512M".`)
	}
	return short, nil
}

func cpu(_ *decoder, s string) (string, *fault) {
	if !cpuForm.MatchString(s) || strings.Trim(s, "0.%") == "" {
		return "", wrong("is no share of CPU time", `Write it like "150%": one and a half CPUs.`)
	}
	return s, nil
}

// bandwidth is bytes a second, of a disk. A kilobyte is a thousand bytes here, as systemd has it.
func bandwidth(_ *decoder, s string) (string, *fault) {
	short := strings.ToUpper(sizeSuffix.ReplaceAllString(strings.ReplaceAll(s, " ", ""), ""))
	if n, f := parseSize(short); !memoryForm.MatchString(short) || f != nil || n < 1<<10 {
		return "", wrong("is no amount of bytes a second", `Write it like "20M".`)
	}
	return short, nil
}
