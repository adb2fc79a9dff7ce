//go:build e2e && browser

package e2e

import (
	"strings"
	"testing"
)

// TestABrowserVisitsASite is not part of the usual checks, because it needs Chromium: "test/all
// browser" runs it.
func TestABrowserVisitsASite(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/etc/sandwich/sandwich.hcl", "proxy {\n  http3 = true\n}\n\n"+overInternalCA)
		m.Run("sandwich", "apply").wants(t, 0)
		m.Run("sandwich", "tls", "trust").wants(t, 0)
		const root = "/usr/local/share/ca-certificates/sandwich-internal-ca.crt"

		t.Run("h2", func(t *testing.T) { m.browse(t, m.OpenBrowser(t, root), "h2", "TLS 1.3") })
		// Chromium speaks HTTP/3 to sites with a certificate of a public CA, or where it is told to.
		t.Run("h3", func(t *testing.T) {
			m.browse(t, m.OpenBrowser(t, root, "--origin-to-force-quic-on=polls.example:443"), "h3", "QUIC")
		})
	})
}

// browse looks at a page with its style and picture, votes, and stays through a restart of the proxy.
func (m *Machine) browse(t *testing.T, b *Browser, protocol, security string) {
	t.Helper()
	page := b.Visit("https://polls.example/polls/")
	all := append([]Seen(nil), page...)
	all = append(all, b.Visit("https://polls.example/polls/1/")...)
	all = append(all, b.Loads(func() {
		b.Script("document.querySelector('input[name=choice]').checked = true; document.forms[0].submit()")
	})...)
	if at := b.Script("location.pathname"); at != "/polls/1/results/" {
		t.Errorf("a vote leads to %s:\n%s", at, b.Script("document.body.innerText"))
	}
	m.MustRun("systemctl", "restart", "sandwich-proxy.service")
	all = append(all, b.Visit("https://polls.example/polls/?again")...)
	if len(page) < 2 {
		t.Errorf("the page came alone: %v", page)
	}
	for _, one := range all {
		t.Logf("%s: %d over %s, %s by %s, %s", one.URL, one.Status, one.Protocol, one.Details.Protocol, one.Details.Issuer, one.Security)
		if strings.HasSuffix(one.URL, "/favicon.ico") {
			continue
		}
		if one.Status != 200 || one.Protocol != protocol || one.Details.Protocol != security || one.Security != "secure" ||
			!strings.HasPrefix(one.Details.Issuer, "sandwich internal CA") {
			t.Errorf("%+v", one)
		}
	}
	if hop := b.Script("performance.getEntriesByType('navigation')[0].nextHopProtocol"); hop != protocol {
		t.Errorf("the page says that it came over %s", hop)
	}
}
