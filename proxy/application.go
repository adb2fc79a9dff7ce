package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sandwich/proxy/compress"
	"sandwich/proxy/header"
	"sandwich/proxy/spool"
	"sandwich/proxy/upstream"
)

// application passes the request to the project's application and its answer back. The steps: take
// the body in, connect (and wait for a listener), send, read the head of the answer, pass it on.
func (v *visit) application() {
	x := &exchange{visit: v, upgrade: header.Upgrade(v.r), length: header.NoBody}
	if status := x.takeBody(); status != 0 {
		v.fail(status)
		return
	}
	defer x.body.Close()
	if !x.enter() {
		v.fail(http.StatusServiceUnavailable)
		return
	}
	defer x.leave()
	head := heads.Get().(*[]byte)
	defer heads.Put(head)
	var err error
	if *head, err = header.AppendRequest((*head)[:0], v.r, &v.origin, x.length, x.upgrade); err != nil {
		v.fail(headStatus(err))
		return
	}
	x.run(*head)
}

// enter counts the request as in flight: from now on until the application has said all, however
// slow the client is before and after that.
func (x *exchange) enter() bool {
	site, limit := x.p.site, x.p.route.InFlight
	if site.enter(limit) {
		return true
	}
	site.shed.Add(1)
	site.complain(x.log(), fmt.Sprintf("%d requests are in flight, answering 503: proxy.in_flight of %s", limit, x.p.route.Name))
	return false
}

// leave may be called more than once: by whoever knows first that the application is free.
func (x *exchange) leave() {
	if x.left.CompareAndSwap(false, true) {
		x.p.site.gate.done(&x.stay)
		x.p.site.leave()
	}
}

var heads = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func headStatus(err error) int {
	if errors.Is(err, header.ErrLineTooLong) {
		return http.StatusRequestURITooLong
	}
	return http.StatusRequestHeaderFieldsTooLarge
}

// exchange is one request to an application and its answer.
type exchange struct {
	*visit
	upgrade string      // the protocol that the request asks for instead; "": none
	length  int64       // of the body, or header.NoBody, or header.Chunked
	body    *spool.Body // the whole body when it is buffered
	stream  bool        // the body is not buffered

	coding compress.Coding // that the answer's body may go out in

	streamed *clientBody // the body that is not buffered, once it is read

	holdUntil time.Time
	waiting   time.Time // since when; zero: it has not waited yet
	stay      stay
	left      atomic.Bool // the request is no longer in flight
	conn      *upstream.Conn
	asked     time.Time // when conn was made
	sender    *sender   // of a body that does not go out with the head; nil without
}

// resendPauses come before each time that a request is sent again. The second is for a main process
// that was killed: for a moment its workers still accept, and are killed in their turn.
var resendPauses = []time.Duration{0, 200 * time.Millisecond}

// run sends the request, again if that is safe, and answers.
func (x *exchange) run(head []byte) {
	x.holdUntil = x.origin.Start.Add(time.Duration(x.p.route.HoldMS) * time.Millisecond)
	if x.length != header.NoBody {
		x.holdUntil = time.Now().Add(time.Duration(x.p.route.HoldMS) * time.Millisecond)
	}
	res, err := x.attempt(head)
	for _, pause := range resendPauses {
		if !x.mayResend(err) {
			break
		}
		x.pause(pause)
		x.p.site.retried.Add(1)
		res, err = x.attempt(head)
	}
	if err != nil {
		x.explain(err)
		return
	}
	defer x.end()
	x.answer(res)
}

// pause waits for a time, or until the client is gone, which the next attempt notices.
func (x *exchange) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
	}
}

func (x *exchange) mayResend(err error) bool {
	hasBody := x.length != header.NoBody
	return x.upgrade == "" && time.Now().Before(x.holdUntil) &&
		upstream.MayResend(err, x.r.Method, hasBody, !x.stream)
}

// attempt connects, sends, and reads the answer until it is sure to be one: its head and, unless
// that must reach the client at once, the first byte of its content. When it fails nothing of it
// is left.
func (x *exchange) attempt(head []byte) (*http.Response, error) {
	if err := x.connect(); err != nil {
		return nil, x.blame(err)
	}
	x.send(head)
	res, err := x.conn.ReadResponse(x.r, x.inform)
	if err == nil && res.StatusCode == http.StatusSwitchingProtocols && !x.switches(res) {
		err = fmt.Errorf("%w: 101 to a request that did not ask for that", upstream.ErrBroken)
	}
	if err == nil && res.StatusCode != http.StatusSwitchingProtocols && !x.streams(res) {
		err = x.conn.AwaitContent(res)
	}
	if err != nil {
		err = x.blame(err)
		x.end()
		return nil, err
	}
	return res, nil
}

// blame is errClientGone in the place of whatever its going has caused. It is asked before end,
// which may make net/http believe that the client is gone.
func (x *exchange) blame(err error) error {
	if x.r.Context().Err() != nil {
		return errClientGone
	}
	return err
}

// giveUp ends the attempt and answers for it.
func (x *exchange) giveUp(err error) {
	err = x.blame(err)
	x.end()
	x.explain(err)
}

// connect goes through the gate, dials, and makes sure that the application is left alone as soon
// as the client is gone.
func (x *exchange) connect() error {
	defer x.waited()
	if err := x.pass(); err != nil {
		return err
	}
	raw, err := upstream.Dial(x.r.Context(), x.stay.upstream, x.mayNotWait)
	if err != nil {
		x.p.site.gate.done(&x.stay)
		return err
	}
	x.asked = time.Now()
	x.conn = upstream.NewConn(raw, time.Duration(x.p.route.TimeoutMS)*time.Millisecond)
	x.conn.CloseWith(x.r.Context())
	if !x.p.site.gate.connected(&x.stay, x.conn) {
		x.end()
		return errFailing
	}
	return nil
}

// pass waits at the project's gate.
func (x *exchange) pass() error {
	gate := &x.p.site.gate
	if x.s.draining.Load() {
		x.s.followSwitch(x.p)
	}
	ob := gate.pass(&x.stay, false)
	if ob == nil {
		return nil
	}
	x.waits()
	if ob.asleep {
		x.p.site.knock(x.r.Context(), ob.upstream)
	}
	return gate.wait(x.r.Context(), &x.stay, ob, x.holdUntil, func() { x.s.wakings.ask(x.p.site) })
}

// mayNotWait says whether the request has waited long enough for a listener.
func (x *exchange) mayNotWait() bool {
	x.waits()
	now := time.Now()
	return now.After(x.holdUntil) || x.p.site.gate.gone(&x.stay, x.waiting, now)
}

// waits counts the request as held.
func (x *exchange) waits() {
	if x.waiting.IsZero() {
		x.waiting = time.Now()
		x.p.site.hold()
	}
}

// waited ends that.
func (x *exchange) waited() {
	if !x.waiting.IsZero() {
		x.spent.queue += time.Since(x.waiting)
		x.p.site.unhold()
		x.waiting = time.Time{}
	}
}

// end gives everything back that attempt took: the worker first, then the memory.
func (x *exchange) end() {
	if x.conn == nil {
		return
	}
	x.conn.Close()
	x.spent.run += time.Since(x.asked)
	if x.sender != nil {
		x.sender.stop()
		x.sender = nil
		if x.streamed != nil {
			x.spent.received = x.streamed.received
		}
	}
	x.p.site.gate.done(&x.stay)
	x.conn.Release()
	x.conn = nil
}

// inform passes an informational answer on: RFC 9110 15.2.
func (x *exchange) inform(res *http.Response) {
	h := x.Header()
	before := h.Clone()
	if header.CopyResponse(h, res.Header) == nil {
		x.WriteHeader(res.StatusCode)
	}
	clear(h)
	for name, values := range before {
		h[name] = values
	}
}

// explain turns an error of an attempt into an answer. It is the only place that does.
func (x *exchange) explain(err error) {
	if err == errClientGone {
		x.aborted = true // nobody to answer, and not the application's fault
		return
	}
	if x.streamed != nil && x.streamed.err != nil {
		x.fail(x.bodyStatus(x.streamed.err)) // that made us give up, not the application
		return
	}
	log := x.log().With("unit", x.p.route.Upstream.Unit)
	x.p.site.failed(log, err)
	switch {
	case errors.Is(err, upstream.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		x.fail(http.StatusGatewayTimeout)
	case errors.Is(err, upstream.ErrReset), errors.Is(err, upstream.ErrCut), errors.Is(err, upstream.ErrBroken):
		x.fail(http.StatusBadGateway)
	default:
		x.fail(http.StatusServiceUnavailable)
	}
}
