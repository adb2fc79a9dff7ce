package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"sandwich/proxy/compress"
)

// agree decides from the fields of the application's answer in which coding its body could go out, and
// says where another client would get another one.
func (x *exchange) agree(res *http.Response) {
	h := x.Header()
	if !x.p.route.Compress || !compress.Possible(res.StatusCode, h) || isEvents(h) ||
		res.ContentLength >= 0 && res.ContentLength < compress.MinSize ||
		!x.p.route.CompressAll && compress.Secret(h, nil) {
		return
	}
	compress.Vary(h)
	have := [compress.Codings]bool{compress.Gzip: true, compress.Zstd: !x.p.route.CompressAll} // see compress.NewWriter
	if x.r.ProtoAtLeast(1, 1) {
		x.coding = compress.Accepts(x.r.Header["Accept-Encoding"]).Best(have)
	}
	if x.r.Method == http.MethodHead && res.ContentLength > 0 && x.coding != compress.Identity {
		compress.Mark(h, x.coding)
	}
}

// isEvents says whether the body never ends: an encoder would be kept as long, for little.
func isEvents(h http.Header) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/event-stream")
}

// hides says whether the body, as far as it is known, must not be compressed because of a secret in it.
func (x *exchange) hides(body []byte) bool {
	return !x.p.route.CompressAll && compress.Secret(nil, body)
}

// whole is a whole body as it goes out, and sets its length unless a trailer comes after it.
func (x *exchange) whole(body []byte, trailer bool) []byte {
	if x.coding != compress.Identity && len(body) >= compress.MinSize && !x.hides(body) {
		if out := compress.Page(body, x.coding, x.p.route.CompressAll); out != nil {
			compress.Mark(x.Header(), x.coding)
			body = out
		}
	}
	if !trailer {
		x.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	return body
}

// outlet is where the body of an answer goes piece by piece: to the client, in the coding agreed on.
type outlet struct {
	x   *exchange
	ctl *http.ResponseController
	z   *compress.Writer // nil: as it is
}

// outlet makes the fields of the answer say what will come out. begins is the begin of the body.
func (x *exchange) outlet(begins []byte) *outlet {
	o := &outlet{x: x, ctl: http.NewResponseController(x.ResponseWriter)}
	if x.coding == compress.Identity || x.hides(begins) {
		return o
	}
	if o.z = compress.NewWriter(&x.reply, x.coding, x.p.route.CompressAll); o.z != nil {
		compress.Mark(x.Header(), x.coding)
	}
	return o
}

// Write takes all of p.
func (o *outlet) Write(p []byte) (int, error) {
	if o.z != nil {
		return o.z.Write(p)
	}
	return o.x.Write(p)
}

// flush sends what was written on its way.
func (o *outlet) flush() {
	if o.z != nil {
		o.z.Flush() // a client that is gone shows at the next write
	}
	o.ctl.Flush()
}

// close ends the body, if it is complete, and gives the encoder back.
func (o *outlet) close(complete bool) {
	switch {
	case o.z == nil:
	case complete:
		o.z.Close()
	default:
		o.z.Abandon()
	}
	o.z = nil
}
