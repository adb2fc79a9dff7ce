package load

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is one kind of request of a load.
type Request struct {
	Path   string        // with its query; default: the URL's
	Post   int           // bytes of body, the first line of which is an id that no other request has; 0 means GET
	Weight int           // how often, beside the others of the mix; default 1
	Takes  time.Duration // how long the application itself takes: no part of the wait
	Whole  bool          // the answer's last line must be the SHA-256 of all before it, in hexadecimal
}

// kind is a Request made ready.
type kind struct {
	Request
	method string
	name   string // of its tally: the method and the path
	head   string
}

func newKind(r Request, l Load, target *url.URL) *kind {
	k := &kind{Request: r, method: http.MethodGet}
	if k.Path == "" {
		k.Path = target.RequestURI()
	}
	if k.Post > 0 {
		k.method = http.MethodPost
	}
	path, _, _ := strings.Cut(k.Path, "?")
	k.name = k.method + " " + path
	k.head = k.compose(l, target)
	return k
}

func (k *kind) compose(l Load, target *url.URL) string {
	host := l.Host
	if host == "" {
		host = target.Host
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\n", k.method, k.Path, host)
	if !l.KeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	return b.String()
}

// message is the request's bytes, and the id that it carries if it has a body.
func (k *kind) message() (content []byte, id string) {
	if k.Post == 0 {
		return []byte(k.head + "\r\n"), ""
	}
	id = rand.Text()
	body := []byte(id + "\n")
	body = append(body, bytes.Repeat([]byte("x"), max(0, k.Post-len(body)))...)
	head := fmt.Sprintf("%sContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", k.head, len(body))
	return append([]byte(head), body...), id
}

// order is one round of a mix, in which each kind comes as often as it weighs, spread evenly.
func order(kinds []*kind) []*kind {
	total := 0
	for _, k := range kinds {
		k.Weight = max(k.Weight, 1)
		total += k.Weight
	}
	owed := make([]int, len(kinds))
	round := make([]*kind, total)
	for i := range round {
		most := 0
		for j, k := range kinds {
			owed[j] += k.Weight
			if owed[j] > owed[most] {
				most = j
			}
		}
		owed[most] -= total
		round[i] = kinds[most]
	}
	return round
}
