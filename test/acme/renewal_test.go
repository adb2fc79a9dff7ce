package acme

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"testing"
	"time"
)

// askedSoon is a host whose turn to ask the CA about its certificate comes within a second: each host
// has a moment of its own in the first hour.
func askedSoon() string {
	for i := 0; ; i++ {
		host := fmt.Sprintf("site-%d.example", i)
		hash := fnv.New32a()
		hash.Write([]byte(host))
		if hash.Sum32() < (1<<32)/3600 {
			return host
		}
	}
}

// RFC 9773: the authority says when it wants a certificate replaced. What it says that makes no sense
// is as if it had said nothing.
func TestACertificateIsReplacedWhenTheCAWantsThat(t *testing.T) {
	host := askedSoon()
	f := newFront(t, "0", host)
	f.start()
	f.await(host)
	first, err := f.shake(host)
	must(t, err)

	hour := func(n int) string { return time.Now().Add(time.Duration(n) * time.Hour).UTC().Format(time.RFC3339) }
	for _, answer := range []string{"{", `{"suggestedWindow": {"start": "` + hour(-1) + `", "end": "` + hour(-2) + `"}}`} {
		f.stop()
		must(t, f.store.SetARIResponse(first.SerialNumber, answer))
		asked := make(chan struct{}, 100)
		before := func(r *http.Request) {
			if strings.Contains(r.URL.Path, "/renewalInfo/") {
				asked <- struct{}{}
			}
		}
		f.before.Store(&before)
		f.start()
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("the CA is not asked")
		}
		if same, err := f.shake(host); err != nil || !same.Equal(first) {
			t.Errorf("after %s it is another one: %v", answer, err)
		}
	}
	f.stop()
	must(t, f.store.SetARIResponse(first.SerialNumber, `{"suggestedWindow": {"start": "`+hour(-2)+`", "end": "`+hour(-1)+`"}}`))
	f.start()
	f.await(host)
	second, err := f.shake(host)
	if err != nil || second.Equal(first) {
		t.Errorf("it is served on: %v", err)
	}
	if f.taken() != 2 || f.keeper.Orders()[host] != 1 { // the second replaces the first
		t.Errorf("%d orders, %v count", f.taken(), f.keeper.Orders())
	}
}
