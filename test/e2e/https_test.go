//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// pebble is the directory of an ACME server and of the name server that it asks.
var pebble = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(top, "dist/acme")
	const module = "github.com/letsencrypt/pebble/v2/cmd/"
	build := exec.Command("go", "-C", filepath.Join(top, "test/acme"), "build", "-o", dir+"/", module+"pebble", module+"pebble-challtestsrv")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return string(out), err
	}
	return dir, nil
})

// startCA starts a CA on the machine, for which every name leads to the machine itself. It writes
// its directory's address and what to trust into the host file.
func (m *Machine) startCA() {
	m.t.Helper()
	dir, err := pebble()
	if err != nil {
		m.t.Fatalf("cannot build the ACME server: %v\n%s", err, dir)
	}
	m.Copy(dir, "/opt")
	m.Shell(`cd /opt/acme
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
install -m 0644 cert.pem /etc/sandwich/ca.pem
cat >pebble.json <<END
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "/opt/acme/cert.pem",
 "privateKey": "/opt/acme/key.pem", "httpPort": 80, "tlsPort": 443, "retryAfter": {"authz": 1, "order": 1}}}
END
systemd-run --quiet --unit=names ./pebble-challtestsrv -dnsserver 127.0.0.1:8053 -defaultIPv6 "" -http01 "" -https01 "" -tlsalpn01 "" -doh "" -management 127.0.0.1:8055
systemd-run --quiet --unit=ca --setenv=PEBBLE_VA_NOSLEEP=1 ./pebble -config /opt/acme/pebble.json -dnsserver 127.0.0.1:8053
for try in $(seq 200); do curl -sk -o /dev/null https://localhost:14000/dir && break; sleep 0.1; done
curl -sk https://localhost:15000/roots/0 >/root/root.pem`)
	m.Write("/etc/sandwich/sandwich.hcl", "tls {\n  ca      = \"https://localhost:14000/dir\"\n  ca_root = \"/etc/sandwich/ca.pem\"\n}\n")
}

// code is the status of a page over HTTPS, for a browser that trusts the CAs in a file; "" when it
// does not trust the site.
func (m *Machine) code(root, host string) string {
	args := []string{"curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{ssl_verify_result}", "--resolve", host + ":443:127.0.0.1"}
	if root != "" {
		args = append(args, "--cacert", root)
	}
	r := m.Run(append(args, "https://"+host+"/polls/")...)
	if r.Code != 0 {
		return ""
	}
	return strings.Fields(r.Stdout)[0]
}

// votes sends a form over HTTPS as browsers do. Django takes it when it knows that the visitor came by
// HTTPS, and refuses it otherwise: the origin is not the page's then.
func (m *Machine) votes(host string) {
	m.t.Helper()
	r := m.Run("sh", "-ec", `page=https://$0/polls/1/
visit() { curl -sk --resolve "$0:443:127.0.0.1" -b /tmp/jar -c /tmp/jar "$@"; }
rm -f /tmp/jar
token=$(visit $page | sed -n 's/.*csrfmiddlewaretoken" value="\([^"]*\)".*/\1/p')
visit -o /tmp/answer -w '%{http_code} %{redirect_url}' -H "Origin: https://$0" -e $page -d "csrfmiddlewaretoken=$token&choice=1" ${page}vote/`, host)
	if r.Stdout != "302 https://"+host+"/polls/1/results/" {
		m.t.Errorf("a vote is answered with %s\n%s%s", r.Stdout, m.Run("cat", "/tmp/answer").Stdout, r.Stderr)
	}
}

func (m *Machine) serial(host string) string {
	m.t.Helper()
	return m.Shell("openssl s_client -connect 127.0.0.1:443 -servername " + host + " </dev/null 2>/dev/null | openssl x509 -noout -serial")
}

func TestASiteIsServedOverHTTPSByItself(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.startCA()
		m.Enable("polls", "polls")

		// The name leads nowhere yet: the site answers all the same, and nothing was ordered.
		m.MustRun("sandwich", "tls", "trust")
		if code := m.code("", "polls.example"); code != "200" {
			t.Errorf("with the internal CA trusted HTTPS answers %q", code)
		}
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("plain HTTP is answered with %s before there is a certificate that browsers trust", answer.Status)
		}
		m.Run("sandwich", "tls", "status").wants(t, 0, "polls.example", "waiting", "cannot look the name up in DNS")
		m.Run("sandwich", "tls", "plan").wants(t, 0, "order", "polls.example: 2 to order, 0 ordered in 7 days")
		m.MustRun("sandwich", "tls", "untrust")
		if code := m.code("", "polls.example"); code != "" {
			t.Errorf("untrusted again, HTTPS answers %q", code)
		}

		// Now it leads here.
		m.Shell("echo 127.0.0.1 polls.example www.polls.example >>/etc/hosts")
		m.Run("sandwich", "tls", "renew", "polls").wants(t, 0, "polls.example: renewed")
		first := m.serial("polls.example")
		if code := m.code("/root/root.pem", "polls.example"); code != "200" {
			t.Errorf("with the CA's certificate HTTPS answers %q", code)
		}
		if answer := m.Get("polls.example", "/polls/?a=b"); answer.StatusCode != 301 || answer.Header.Get("Location") != "https://polls.example/polls/?a=b" {
			t.Errorf("plain HTTP is answered with %s, to %s", answer.Status, answer.Header.Get("Location"))
		}
		m.Run("sandwich", "status", "polls").wants(t, 0, "certificate: polls.example, www.polls.example: ok, from auto")
		if mode := m.Shell("stat -c '%a %U' /var/lib/sandwich/tls; find /var/lib/sandwich/tls -perm /077"); mode != "700 sandwich-proxy\n" {
			t.Errorf("of the proxy's certificates others can read:\n%s", mode)
		}

		m.votes("polls.example")
		m.Write("/srv/polls/mysite/asgi.py", "from django.core.asgi import get_asgi_application\nimport os\n\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"mysite.settings\")\napplication = get_asgi_application()\n")
		m.Shell("echo 'app = \"mysite.asgi:application\"' >>/etc/sandwich/projects/polls.hcl")
		m.Run("sandwich", "apply", "polls").wants(t, 0)
		m.votes("polls.example")

		m.MustRun("systemctl", "restart", "sandwich-proxy.service")
		if again := m.serial("polls.example"); again != first {
			t.Errorf("a restart has another certificate: %s, before %s", again, first)
		}
		m.Run("sandwich", "restart", "polls").wants(t, 0)
		m.Run("sandwich", "tls", "revoke", "--reason", "key-compromise", "polls.example").wants(t, 0, "revoked")
		m.Shell("for try in $(seq 300); do sandwich tls status polls.example | grep -q ' ok ' && exit; sleep 0.1; done; exit 1")
		if again := m.serial("polls.example"); again == first {
			t.Error("the revoked certificate is served on")
		}

		refused := m.Run("sh", "-c", "openssl s_client -connect 127.0.0.1:443 -servername other.example </dev/null 2>&1; openssl s_client -connect 127.0.0.1:443 -noservername </dev/null 2>&1").Stdout
		if strings.Count(refused, "unrecognized name") != 2 || strings.Contains(refused, "polls") {
			t.Errorf("strangers are told:\n%s", refused)
		}
		if nobody := m.As("nobody", "sandwich", "tls", "renew", "polls"); nobody.Code != 1 || !strings.Contains(nobody.Stderr, "needs root") {
			t.Errorf("nobody renews: %d %s", nobody.Code, nobody.Stderr)
		}
		if nobody := m.As("nobody", "sandwich", "tls", "status", "--json"); nobody.Code != 0 || !strings.Contains(nobody.Stdout, `"state": "ok"`) {
			t.Errorf("nobody reads: %d %s%s", nobody.Code, nobody.Stdout, nobody.Stderr)
		}
		score := regexp.MustCompile(`exposure level for sandwich-proxy.service: ([01]\.[0-9]|2\.0) `)
		if said := m.Run("systemd-analyze", "security", "sandwich-proxy.service").Stdout; !score.MatchString(said) {
			t.Errorf("the proxy's sandbox has become weak:\n%s", said)
		}
	})
}
