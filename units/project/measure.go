package project

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var sizeForm = newPattern(`^([0-9]{1,15}) ?([kmgt]?)(i?b)?$`)

var sizeUnits = map[string]int64{"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

// parseSize reads a number of bytes. As in nginx and systemd every unit counts 1024 of the one
// below it: "k", "KB" and "KiB" are the same; upper and lower case are, too.
func parseSize(s string) (int64, *fault) {
	m := sizeForm.FindStringSubmatch(strings.ToLower(s))
	if m == nil {
		return 0, wrong("is no size", `Write a number and a unit, for example "25MB" (KB, MB, GB, each 1024 of the one before).`)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := sizeUnits[m[2]]
	if err != nil || n > math.MaxInt64/unit {
		return 0, wrong("is too large", `Write a smaller size, for example "2GB".`)
	}
	return n * unit, nil
}

var (
	daysForm = newPattern(`^([0-9]{1,5})d(.*)$`)
	longest  = 10 * 366 * 24 * time.Hour
)

// parseDuration reads a time as Go writes it, "90s" or "1m30s", with days: "7d", "1d12h".
func parseDuration(s string) (time.Duration, *fault) {
	days, rest := 0, s
	if m := daysForm.FindStringSubmatch(s); m != nil {
		days, _ = strconv.Atoi(m[1])
		rest = m[2]
		if rest == "" {
			rest = "0s"
		}
	}
	t, err := time.ParseDuration(rest)
	if err != nil || strings.ContainsAny(s, "+-") {
		return 0, wrong("is no time", `Write a number and a unit, for example "30s", "5m", "2h" or "7d".`)
	}
	if days > 3660 || t > longest {
		return 0, wrong("is too long", `Write at most "3660d".`)
	}
	return time.Duration(days)*24*time.Hour + t, nil
}

// written is a time as a person writes it in a project file.
func written(t time.Duration) string {
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
