package project

// tlsBlock is the tls block: only that there is none.
type tlsBlock struct {
	mode, email, certificate, key, ca string
}

var tlsSettings = []setting[tlsBlock]{
	{"mode", text(func(t *tlsBlock) *string { return &t.mode }, oneOf("auto", "files", "internal", "off"))},
	{"email", text(func(t *tlsBlock) *string { return &t.email }, anything)},
	{"certificate", text(func(t *tlsBlock) *string { return &t.certificate }, anything)},
	{"key", text(func(t *tlsBlock) *string { return &t.key }, anything)},
	{"ca", text(func(t *tlsBlock) *string { return &t.ca }, anything)},
}

func decodeTLS(d *decoder, g *group) {
	var t tlsBlock
	fill(d, g, tlsSettings, &t)
	if t.mode != "off" && (t.mode != "" || g.attrs["mode"] == nil) {
		at := g.at
		if mode, ok := g.attrs["mode"]; ok {
			at = mode.Range
		}
		d.refuse(&at, "tls is not available yet", `This version serves plain HTTP only. Remove the block, or write mode = "off" alone.`)
		return
	}
	for _, s := range tlsSettings[1:] {
		if attr, ok := g.attrs[s.name]; ok {
			d.refuse(&attr.Range, "tls."+s.name+" is not available yet", "This version serves plain HTTP only. Remove it.")
		}
	}
}
