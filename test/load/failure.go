package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Failure is one request that failed.
type Failure struct {
	Request     string // its method and path
	Kind        string // "503", "no answer: closed", "cut answer: reset", "connect: refused", ...
	Sent, Ended time.Time
	ID          string // of its body
}

// outcome is what became of one request.
type outcome struct {
	kind                    *kind
	due, begun, sent, ended time.Time
	stale                   int
	id                      string
	answer                  answer
	err                     error
}

func (o outcome) failed() bool { return o.err != nil || o.answer.status >= 400 }

func (o outcome) wait() time.Duration { return max(0, o.ended.Sub(o.due)-o.kind.Takes) }

func (o outcome) failure() Failure {
	return Failure{Request: o.kind.name, Kind: o.failureKind(), Sent: o.sent, Ended: o.ended, ID: o.id}
}

func (o outcome) failureKind() string {
	if o.err == nil {
		return fmt.Sprint(o.answer.status)
	}
	stage, _, _ := strings.Cut(o.err.Error(), ":")
	return stage + ": " + reason(o.err)
}

// reason says why a connection failed in a word or two.
func reason(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errBusy):
		return "busy"
	case errors.Is(err, errIncomplete):
		return "incomplete"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return err.Error()
}
