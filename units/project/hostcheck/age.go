package hostcheck

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sandwich/units/django"
)

// ending is a version and the day after which nobody repairs its security.
type ending struct{ version, day string }

// The ends of life, from devguide.python.org/versions and djangoproject.com/download, as known in
// November 2026. A version that is older than the first one has ended; one that is newer than the
// last one is not known yet.
var (
	pythons = []ending{
		{"3.6", "2021-12-23"}, {"3.7", "2023-06-27"}, {"3.8", "2024-10-07"}, {"3.9", "2025-10-31"}, {"3.10", "2026-10-31"},
		{"3.11", "2027-10-31"}, {"3.12", "2028-10-31"}, {"3.13", "2029-10-31"}, {"3.14", "2030-10-31"},
	}
	djangos = []ending{
		{"2.2", "2022-04-11"}, {"3.0", "2021-04-06"}, {"3.1", "2021-12-07"}, {"3.2", "2024-04-01"}, {"4.0", "2023-04-01"}, {"4.1", "2023-12-01"},
		{"4.2", "2026-04-30"}, {"5.0", "2025-04-02"}, {"5.1", "2025-12-31"}, {"5.2", "2028-04-30"}, {"6.0", "2027-04-30"},
	}
)

// ages warns of a Python or a Django that nobody repairs. The system's own are the distribution's
// affair: it repairs them longer.
func (c *check) ages(f *django.Facts) {
	if c.p.Python == django.SystemPython {
		return
	}
	c.age("Python", f.Python, pythons, "python")
	c.age("Django", f.Django, djangos, "settings")
}

func (c *check) age(what, version string, endings []ending, key string) {
	day := endOf(version, endings)
	if day.IsZero() || c.sys.Now().Before(day) {
		return
	}
	c.warn(c.stated(key, "root"), what+" has reached its end of life",
		"%s %s has had no repairs since %s. Move the project to a version that has.", what, version, day.Format(time.DateOnly))
}

// endOf is when a version ends, zero when that is not known.
func endOf(version string, endings []ending) time.Time {
	major, minor, ok := release(version)
	if !ok {
		return time.Time{}
	}
	series := fmt.Sprintf("%d.%d", major, minor)
	for _, e := range endings {
		if e.version == series || e == endings[0] && less(series, e.version) {
			day, _ := time.Parse(time.DateOnly, e.day)
			return day
		}
	}
	return time.Time{}
}

// release is the first two numbers of a version.
func release(version string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	digits := strings.IndexFunc(second+" ", func(c rune) bool { return c < '0' || c > '9' }) // "0a1" of a preview
	minor, err = strconv.Atoi(second[:digits])
	return major, minor, err == nil
}

func less(a, b string) bool {
	x, y, _ := release(a)
	m, n, _ := release(b)
	return x < m || x == m && y < n
}

// older says whether a version comes before major.minor.
func older(version string, major, minor int) bool {
	x, y, ok := release(version)
	return ok && (x < major || x == major && y < minor)
}
