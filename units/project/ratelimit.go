package project

import (
	"strconv"
	"strings"
	"time"
)

// RateLimit is one rate_limit block: how often each visitor may ask the application for paths below
// a prefix.
type RateLimit struct {
	Path   string
	Per    string // "ip", "user", or "header:NAME" with the name in its canonical form
	Count  int    // requests in each Period
	Period time.Duration
	Burst  int // requests at once
}

var rateLimitSettings = []setting[RateLimit]{
	{"per", text(func(r *RateLimit) *string { return &r.Per }, visitor)},
	{"rate", readRate},
	{"burst", number(func(r *RateLimit) *int { return &r.Burst }, 1, 1_000_000)},
}

func decodeRateLimit(d *decoder, g *group) {
	r := RateLimit{Path: g.label, Per: "ip"}
	fill(d, g, rateLimitSettings, &r)
	if f := clean(r.Path); f != nil {
		d.refuse(&g.at, "Invalid path of a rate_limit block", quote(r.Path)+" "+f.why+". "+f.remedy)
		return
	}
	if _, f := urlPath(d, r.Path); f != nil {
		d.refuse(&g.at, "Invalid path of a rate_limit block", quote(r.Path)+" "+f.why+". "+f.remedy)
		return
	}
	if _, stated := g.attrs["rate"]; !stated {
		d.refuse(&g.at, "rate is not stated", `Write how many requests may come in a time: rate = "10/m".`)
		return
	}
	if r.Burst == 0 {
		r.Burst = r.Count
	}
	d.p.Proxy.RateLimits = append(d.p.Proxy.RateLimits, r)
}

var rateForm = newPattern(`^([1-9][0-9]{0,6})/(s|m|h|d)$`)

var ratePeriods = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

func readRate(v value, r *RateLimit) {
	it, ok := v.text()
	if !ok {
		return
	}
	m := rateForm.FindStringSubmatch(it.text)
	if m == nil {
		v.refuse(it, wrong("is no rate", `Write a number and a time, for example "10/s", "10/m", "100/h" or "1000/d".`))
		return
	}
	r.Count, _ = strconv.Atoi(m[1])
	r.Period = ratePeriods[m[2]]
}

// visitor is what tells visitors apart.
func visitor(d *decoder, s string) (string, *fault) {
	name, isHeader := strings.CutPrefix(s, "header:")
	switch {
	case s == "ip" || s == "user":
		return s, nil
	case !isHeader:
		return "", wrong("is none of the choices", `Write "ip", "user" or "header:NAME".`)
	}
	if !token.MatchString(name) || strings.Contains(name, "_") {
		return "", wrong("has no header name in it", `Write it like "header:X-Api-Key".`)
	}
	return s, nil
}
