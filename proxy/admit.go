package proxy

import (
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sandwich/proxy/access"
	"sandwich/proxy/limit"
	"sandwich/proxy/route"
)

// doors are what a visitor of a project has to pass before anything is served. A value is one
// version of a project's; users and limits that have not changed are those of the version before.
type doors struct {
	rules   *access.Rules // nil: everybody may come
	users   *access.Users // nil: nobody is asked for a password
	realm   string        // the value of WWW-Authenticate
	limits  []rateLimit
	closed  *route.Maintenance // nil: the project is open
	workers access.Rules       // who may come while it is closed
}

// rateLimit is one rate_limit block.
type rateLimit struct {
	route.RateLimit
	header  string // whose value is a visitor
	limiter *limit.Limiter
}

func newDoors(f *routeFile, old *serving) doors {
	var before doors
	if old != nil {
		before = old.doors
	}
	d := doors{closed: f.maintenance}
	if a := f.route.Access; a != nil {
		d.restrict(a, f.route.Domains[0], before, old)
	}
	for _, l := range f.route.RateLimits {
		d.limits = append(d.limits, before.rateLimit(l))
	}
	if d.closed != nil {
		d.workers = access.Rules{Allow: d.closed.Allow, Deny: everybody}
	}
	return d
}

var everybody = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0)}

func (d *doors) restrict(a *route.Access, name string, before doors, old *serving) {
	if len(a.Allow)+len(a.Deny) > 0 {
		d.rules = &access.Rules{Allow: a.Allow, Deny: a.Deny}
	}
	if a.UserFile == "" {
		return
	}
	if d.users = before.users; d.users == nil || old.route.Access.UserFile != a.UserFile {
		d.users = access.NewUsers(a.UserFile)
	}
	if a.Realm != "" {
		name = a.Realm
	}
	d.realm = `Basic realm="` + name + `", charset="UTF-8"`
}

func (d *doors) rateLimit(l route.RateLimit) rateLimit {
	for _, have := range d.limits {
		if have.RateLimit == l {
			return have
		}
	}
	header := ""
	if name, is := strings.CutPrefix(l.Per, "header:"); is {
		header = http.CanonicalHeaderKey(name)
	}
	return rateLimit{l, header, limit.New(l.Count, time.Duration(l.PeriodMS)*time.Millisecond, l.Burst)}
}

// isChallenge says whether a path is one that whoever issues certificates asks for, from anywhere and
// without a password (RFC 8555 8.3).
func isChallenge(path string) bool {
	token, is := strings.CutPrefix(path, "/.well-known/acme-challenge/")
	return is && !strings.ContainsFunc(token, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// refused says whether the visitor may not come in, and has been told so.
func (v *visit) refused() bool {
	d := &v.p.doors
	if d.rules == nil && d.users == nil && d.limits == nil && d.closed == nil || isChallenge(v.r.URL.Path) {
		return false
	}
	from, _ := netip.ParseAddr(v.origin.Client)
	switch {
	case d.rules != nil && !d.rules.Admit(from):
		v.fail(http.StatusForbidden)
	case v.tooFast(from, false):
	case d.users != nil && !v.isKnown():
	case v.tooFast(from, true):
	case d.closed != nil && v.match.Static == nil && !d.workers.Admit(from):
		v.retry = d.closed.Retry()
		v.fail(http.StatusServiceUnavailable)
	default:
		return false
	}
	return true
}

// tooFast takes a token of each limit that the request falls under, of those of users or of the
// others. The longest path is asked first, so that what it refuses costs no other token.
func (v *visit) tooFast(from netip.Addr, users bool) bool {
	for i := range v.p.doors.limits {
		l := &v.p.doors.limits[i]
		if (l.Per == "user") != users || !v.isUnder(l.Path) {
			continue
		}
		retry, ok := l.limiter.Allow(l.visitor(v, from), v.origin.Start)
		if ok {
			continue
		}
		v.p.site.limited.Add(1)
		v.retry = retry
		v.fail(http.StatusTooManyRequests)
		return true
	}
	return false
}

// isUnder says whether a limit on a path concerns the request: a file is cheap, and a page has many,
// so that only a limit on the files themselves does.
func (v *visit) isUnder(path string) bool {
	if st := v.match.Static; st != nil && !strings.HasPrefix(path, st.Prefix) {
		return false
	}
	return strings.HasPrefix(v.r.URL.Path, path)
}

// visitor is who the request comes from. Without the field, or a name, it is the address: leaving
// it out is no way round the limit.
func (l *rateLimit) visitor(v *visit, from netip.Addr) limit.Key {
	text := v.user
	if l.header != "" {
		text = first(v.r.Header[l.header])
	}
	if text == "" || l.Per == "ip" {
		return limit.Address(from)
	}
	return limit.Text(text)
}

// isKnown says whether the visitor has a name and the right password, and asks for them if not.
func (v *visit) isKnown() bool {
	d := &v.p.doors
	name, password, said := v.r.BasicAuth()
	if !said {
		return v.askPassword()
	}
	ok, err := d.users.Check(v.r.Context(), name, password, v.origin.Start)
	switch {
	case errors.Is(err, access.ErrBusy):
		v.retry = time.Second
		v.fail(http.StatusServiceUnavailable)
	case err != nil:
		v.p.site.complain(v.log(), err.Error()+", letting nobody in: proxy.access.basic_auth_file of "+v.p.route.Name)
		v.fail(http.StatusInternalServerError)
	case !ok:
		v.askPassword()
	default:
		v.user = name
		return true
	}
	return false
}

func (v *visit) askPassword() bool {
	v.Header()["Www-Authenticate"] = []string{v.p.doors.realm}
	v.fail(http.StatusUnauthorized)
	return false
}

// retryAfter is what clients of a project that is not there are told: a restart takes less, and a
// crowd that comes back every second helps nobody.
const retryAfter = 5 * time.Second

// setRetry tells the client when it is worth coming back, in whole seconds.
func (v *visit) setRetry(status int) {
	retry := v.retry
	if retry == 0 && status == http.StatusServiceUnavailable {
		retry = retryAfter
	}
	if retry > 0 {
		v.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
}
