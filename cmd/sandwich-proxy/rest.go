package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// restLimit is how long the stop of a project may take: its graceful timeout, and what systemd
// gives on top.
const restLimit = 5 * time.Minute

// restWith asks who listens on a socket of root's to stop a project: the proxy itself may stop
// nothing. The question is a name, the answer is "stopped" or why not.
func (o options) restWith() func(context.Context, string) error {
	if o.rest == "" {
		return nil
	}
	return func(ctx context.Context, project string) error {
		ctx, cancel := context.WithTimeout(ctx, restLimit)
		defer cancel()
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", o.rest)
		if err != nil {
			return err
		}
		defer c.Close()
		defer context.AfterFunc(ctx, func() { c.Close() })()
		io.WriteString(c, project+"\n")
		answer, err := io.ReadAll(io.LimitReader(c, 4096))
		switch text := strings.TrimSpace(string(answer)); {
		case text == "stopped":
			return nil
		case text != "":
			return errors.New(text)
		case err == nil:
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("no answer from %s: %w", o.rest, err)
	}
}
