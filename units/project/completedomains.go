package project

import (
	"slices"
	"strings"
)

// domains takes the host names of ALLOWED_HOSTS when the file states none.
func (c *completion) domains() {
	if len(c.p.Domains) > 0 || c.p.Source.States("domains") && c.p.Domains == nil {
		return
	}
	for _, allowed := range c.facts().AllowedHosts {
		name := strings.TrimPrefix(strings.ToLower(allowed), ".")
		if isHostName(name) && name != "localhost" && !slices.Contains(c.p.Domains, name) {
			c.p.Domains = append(c.p.Domains, name)
		}
	}
	if len(c.p.Domains) == 0 {
		c.missing("domains", "The project has no domain",
			`ALLOWED_HOSTS in the settings has no host name either. Write domains = ["client-x.example"] with the names that visitors use.`)
	}
}
