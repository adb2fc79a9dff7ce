// Command loadgen sends a constant rate of requests to one URL and prints a report as JSON. It
// ends after its duration, or when its standard input ends if asked with -stdin.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"sandwich/test/load"
)

func main() {
	var l load.Load
	flag.StringVar(&l.Host, "host", "", "Host header")
	flag.Float64Var(&l.Rate, "rate", 100, "requests a second")
	flag.DurationVar(&l.Duration, "for", 10*time.Second, "how long to send")
	flag.IntVar(&l.Post, "post", 0, "POST this many bytes instead of GET")
	flag.BoolVar(&l.KeepAlive, "keepalive", false, "reuse connections")
	flag.IntVar(&l.Connections, "connections", 0, "at most so many at once; 0 means no bound")
	untilEOF := flag.Bool("stdin", false, "stop early when standard input ends")
	asText := flag.Bool("text", false, "print one line instead of JSON")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: loadgen [flags] URL")
		os.Exit(2)
	}
	l.URL = flag.Arg(0)
	report, err := l.Run(duration(*untilEOF))
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
	if *asText {
		fmt.Println(report)
	} else {
		json.NewEncoder(os.Stdout).Encode(report)
	}
}

func duration(untilEOF bool) context.Context {
	if !untilEOF {
		return context.Background()
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return ctx
}
