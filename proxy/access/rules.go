// Package access decides who may see a site: by address, and by name and password. What is
// answered to others is left to the caller.
package access

import "net/netip"

// Rules say which addresses may come. The zero value lets everybody in.
type Rules struct {
	Allow, Deny []netip.Prefix
}

// Admit says whether an address may come. Of all networks that it lies in the smallest decides, and
// of two of one size the denied one. An address in none is let in unless only others are allowed.
func (r Rules) Admit(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	allowed, denied := longest(r.Allow, a), longest(r.Deny, a)
	if allowed < 0 && denied < 0 {
		return len(r.Allow) == 0
	}
	return allowed > denied
}

// longest is the length of the longest prefix that holds the address, or -1. Everything is held by
// "all", of either family.
func longest(list []netip.Prefix, a netip.Addr) int {
	best := -1
	for _, p := range list {
		if (p.Contains(a) || p.Bits() == 0) && p.Bits() > best {
			best = p.Bits()
		}
	}
	return best
}
