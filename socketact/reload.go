package socketact

import "regexp"

// workersLoaded is the status line that gunicorn.conf.py sends to systemd.
var workersLoaded = regexp.MustCompile(`^(\d+) of (\d+) workers have loaded .*?( \(reload \d+\))?$`)

// Reloaded says from gunicorn's status lines, before a HUP and now, whether a reload has begun
// since and every new worker has loaded the application.
func Reloaded(before, now string) bool {
	was, is := workersLoaded.FindStringSubmatch(before), workersLoaded.FindStringSubmatch(now)
	return was != nil && is != nil && is[1] == is[2] && is[3] != was[3]
}
