package main

import (
	"strconv"
	"strings"
	"time"
)

// parseWhen reads a moment as people write it; "" is none.
func parseWhen(s string, now time.Time) (time.Time, error) {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch s {
	case "":
		return time.Time{}, nil
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	}
	if ago, ok := parseAgo(s); ok {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if at, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return midnight.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second), nil
		}
	}
	return time.Time{}, usageError("%q is no time\nhint: write it like 1h, yesterday, 15:04 or \"2006-01-02 15:04:05\"", s)
}

// parseAgo reads "1h", "-1h", "1h ago", "2d", "30min".
func parseAgo(s string) (time.Duration, bool) {
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(s, "ago"), "-"))
	s = strings.ReplaceAll(s, " ", "")
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0
	}
	d, err := time.ParseDuration(strings.Replace(s, "min", "m", 1))
	return d, err == nil && d >= 0
}
