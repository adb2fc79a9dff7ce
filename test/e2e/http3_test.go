//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// overInternalCA is a host file by which every project is served over HTTPS, by the internal CA.
const overInternalCA = "defaults {\n  tls {\n    mode = \"internal\"\n  }\n}\n"

// packets is a client of HTTP/3 inside the machine that trusts its internal CA. It keeps its
// connection, as browsers do.
func (m *Machine) packets(t *testing.T) *http.Client {
	t.Helper()
	socket, err := m.ListenPacket("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(m.MustRun("cat", "/var/lib/sandwich/tls/internal/root.crt"))) {
		t.Fatal("there is no internal CA")
	}
	wire := &quic.Transport{Conn: socket}
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "polls.example"},
		Dial: func(ctx context.Context, _ string, conf *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return wire.Dial(ctx, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}, conf, q)
		},
	}
	t.Cleanup(func() {
		transport.Close()
		wire.Close()
		socket.Close()
	})
	return &http.Client{Transport: transport, Timeout: 40 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request and reads its answer.
func ask(t *testing.T, client *http.Client, method, url, body string) Answer {
	t.Helper()
	answer, err := try(client, method, url, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer
}

func try(client *http.Client, method, url, body string) (Answer, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return Answer{Response: response, Body: string(text)}, err
}

// overHTTP2 is the head of a page's answer.
func (m *Machine) overHTTP2() string {
	m.t.Helper()
	return m.MustRun("curl", "-sk", "--http2", "-o", "/dev/null", "-D", "-", "--resolve", "polls.example:443:127.0.0.1", "https://polls.example/polls/")
}

func (m *Machine) boundForHTTP3() string {
	m.t.Helper()
	return m.MustRun("ss", "-Hlunp", "sport = :443")
}

func TestHTTP3IsSwitchedOnAndOff(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/etc/sandwich/sandwich.hcl", overInternalCA)
		m.Run("sandwich", "apply").wants(t, 0)
		if head := m.overHTTP2(); !strings.HasPrefix(head, "HTTP/2 200") || strings.Contains(head, "alt-svc") || m.boundForHTTP3() != "" {
			t.Errorf("nobody has asked for HTTP/3, and yet\n%s\n%s", head, m.boundForHTTP3())
		}

		m.Write("/etc/sandwich/sandwich.hcl", "proxy {\n  http3 = true\n}\n\n"+overInternalCA)
		m.Run("sandwich", "plan").wants(t, 0, "+ListenDatagram=443")
		m.Run("sandwich", "apply").wants(t, 0)
		if bound := m.boundForHTTP3(); strings.Count(bound, `"systemd",pid=1,`) != strings.Count(bound, "\n") || bound == "" {
			t.Errorf("it is not systemd that is bound for HTTP/3:\n%s", bound)
		}
		if head := m.overHTTP2(); !strings.HasPrefix(head, "HTTP/2 200") || !strings.Contains(head, `alt-svc: h3=":443"`) {
			t.Errorf("over HTTP/2 it answers\n%s", head)
		}
		m.visitOverHTTP3(t)
		m.restartUnderHTTP3(t)

		m.Write("/etc/sandwich/sandwich.hcl", overInternalCA)
		m.Run("sandwich", "apply").wants(t, 0)
		if head := m.overHTTP2(); !strings.HasPrefix(head, "HTTP/2 200") || strings.Contains(head, "alt-svc") || m.boundForHTTP3() != "" {
			t.Errorf("switched off, it answers\n%s\n%s", head, m.boundForHTTP3())
		}
	})
}

// visitOverHTTP3 does what a visitor of the site does: a page, its style sheet, a vote.
func (m *Machine) visitOverHTTP3(t *testing.T) {
	t.Helper()
	client := m.packets(t)
	page := ask(t, client, "GET", "https://polls.example/polls/", "")
	if page.Proto != "HTTP/3.0" || page.StatusCode != 200 || !strings.Contains(page.Body, "<a href=") || page.Header.Get("Alt-Svc") != "" {
		t.Errorf("a page is answered with %s %s\n%v", page.Proto, page.Status, page.Header)
	}
	if style := ask(t, client, "GET", "https://polls.example/static/polls/style.css", ""); style.StatusCode != 200 || style.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style sheet is answered with %s\n%v", style.Status, style.Header)
	}
	if refused := ask(t, client, "POST", "https://polls.example/polls/1/vote/", "choice=1"); refused.StatusCode != 403 || !strings.Contains(refused.Body, "CSRF") {
		t.Errorf("Django does not refuse a form from nowhere: %s", refused.Status)
	}
	if astray := ask(t, client, "GET", "https://other.example/polls/", ""); astray.StatusCode != 421 {
		t.Errorf("a host that is not the handshake's is answered with %s", astray.Status)
	}
	m.Shell("for try in $(seq 100); do grep -q 'GET /polls/ HTTP/3.0\" 200' /var/log/sandwich/polls.access.log && exit; sleep 0.1; done; exit 1")
}

// restartUnderHTTP3 has a visitor ask again and again while the proxy is restarted, over the connection
// that each process begins. An answer may come late, and a request that its process no longer takes is
// to be sent again (RFC 9114 5.2): none may be cut.
func (m *Machine) restartUnderHTTP3(t *testing.T) {
	t.Helper()
	wide := m.packets(t)
	wide.Timeout = 0
	upload, entered := io.Pipe()
	long := make(chan error, 1)
	go func() { // it begins now and ends after all restarts
		request, err := http.NewRequest("POST", "https://polls.example/polls/1/vote/", upload)
		if err == nil {
			var response *http.Response
			if response, err = wide.Do(request); err == nil && response.StatusCode != 403 {
				err = errors.New(response.Status)
			}
		}
		long <- err
	}()
	io.WriteString(entered, "choice=1")
	client := m.packets(t)
	stop, ended := make(chan struct{}), make(chan error, 1)
	asked := 0
	go func() {
		ended <- func() error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				answer, err := try(client, "GET", "https://polls.example/polls/", "")
				if err != nil {
					return err
				}
				if answer.StatusCode != 200 || answer.Proto != "HTTP/3.0" {
					return errors.New(answer.Proto + " " + answer.Status)
				}
				asked++
			}
		}()
	}()
	for range 5 {
		before := m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-proxy.service")
		m.MustRun("systemctl", "restart", "sandwich-proxy.service")
		if after := m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-proxy.service"); after == before {
			t.Error("the proxy was not restarted")
		}
		io.WriteString(entered, "&restart=1")
		if newcomer := ask(t, m.packets(t), "GET", "https://polls.example/polls/", ""); newcomer.StatusCode != 200 {
			t.Errorf("after a restart a newcomer gets %s", newcomer.Status)
		}
	}
	entered.Close()
	if err := <-long; err != nil {
		t.Errorf("a request that began before all restarts: %v", err)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Errorf("after %d answers one is missing: %v", asked, err)
	}
	t.Logf("%s: %d requests over HTTP/3 while the proxy was restarted 5 times", m.Suite, asked)
}
