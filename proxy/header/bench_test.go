package header

import (
	"net/http"
	"testing"
	"time"
)

// BenchmarkAppendRequest makes the head that the application gets of a browser's request.
func BenchmarkAppendRequest(b *testing.B) {
	r := &http.Request{Method: "GET", RequestURI: "/accounts/login/?next=/", Host: "demo.example", RemoteAddr: "192.0.2.1:4711", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"}, "Accept": {"text/html,application/xhtml+xml"}, "Accept-Language": {"en"},
			"Accept-Encoding": {"gzip"}, "Cookie": {"csrftoken=0123456789; sessionid=0123456789"}, "Connection": {"keep-alive"}}}
	var head []byte
	b.ReportAllocs()
	for b.Loop() {
		o := Trust(nil).Origin(r, time.Now())
		var err error
		if head, err = AppendRequest(head[:0], r, &o, NoBody, ""); err != nil {
			b.Fatal(err)
		}
	}
}
