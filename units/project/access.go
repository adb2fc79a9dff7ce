package project

// Access is the access block: who may see the site.
type Access struct {
	Allow, Deny []string // networks, "0.0.0.0/0" for all addresses of either family
	UserFile    string   // absolute path of a file that htpasswd(1) writes, or ""
	Realm       string   // what the visitor is shown when asked for a password
}

var accessSettings = []setting[Access]{
	{"allow", list(func(a *Access) *[]string { return &a.Allow }, networkOrAll, unique)},
	{"deny", list(func(a *Access) *[]string { return &a.Deny }, networkOrAll, unique)},
	{"basic_auth_file", text(func(a *Access) *string { return &a.UserFile }, path)},
	{"realm", text(func(a *Access) *string { return &a.Realm }, realm)},
}

func decodeAccess(d *decoder, g *group) {
	a := &Access{}
	fill(d, g, accessSettings, a)
	d.p.Proxy.Access = a
}

// everybody is the network of all addresses, of IPv6 as well.
const everybody = "0.0.0.0/0"

func networkOrAll(d *decoder, s string) (string, *fault) {
	if s == "all" || s == "::/0" {
		return everybody, nil
	}
	clean, f := network(d, s)
	if f != nil {
		f = wrong(f.why, `Write it like "10.0.0.0/8" or "192.0.2.1", or write "all".`)
	}
	return clean, f
}

func realm(_ *decoder, s string) (string, *fault) {
	for _, c := range s {
		if c == '"' || c == '\\' || c > '~' {
			return "", wrong("holds a character that a realm cannot have", "Write it in plain letters without quotes.")
		}
	}
	if len(s) > 100 {
		return "", wrong("is too long", "Write at most 100 characters.")
	}
	return s, nil
}
