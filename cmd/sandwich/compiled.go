package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sandwich/proxy/route"
	"sandwich/units/apply"
)

// compiledRoute is what the proxy serves for an enabled project.
func compiledRoute(name string) (*route.Route, error) {
	content, err := os.ReadFile(filepath.Join(apply.SystemDirs.Routes, name+".json"))
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route: %w", err)
	}
	compiled, err := route.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route of %s: %w", name, err)
	}
	return compiled, nil
}

// compiledDomains are the host names the project is served for; none when it is not enabled.
func compiledDomains(name string) []string {
	compiled, err := compiledRoute(name)
	if err != nil {
		return []string{}
	}
	return compiled.Domains
}

// servedHosts gives the enabled project that each host name is served for.
func servedHosts() map[string]string {
	names := enabledNames()
	compiled := make([]*route.Route, len(names))
	sideways(len(names), func(i int) { compiled[i], _ = compiledRoute(names[i]) })
	holders := map[string]string{}
	for i, one := range compiled {
		if one == nil {
			continue
		}
		for _, host := range one.Hosts() {
			holders[host] = names[i]
		}
	}
	return holders
}
