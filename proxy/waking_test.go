package proxy_test

import (
	"fmt"
	"io"
	"net"
	"testing"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

// dormitory is a proxy for projects that sleep, and their sockets.
type dormitory struct {
	*front
	came chan int // the project whose socket was connected to
}

func newDormitory(t *testing.T, projects, together int, changes ...func(*route.Route)) *dormitory {
	t.Cleanup(proxy.LimitWakings(together))
	d := &dormitory{came: make(chan int, 100)}
	var routes []*route.Route
	for i := range projects {
		socket, l := silent(t)
		r := demo(socket, changes...)
		r.Name, r.Domains, r.Upstream.Unit = fmt.Sprint("p", i), []string{host(i)}, unitOf(i)
		routes = append(routes, r)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				d.came <- i
				go func() {
					defer c.Close()
					c.Read(make([]byte, 4096))
					io.WriteString(c, ok)
				}()
			}
		}()
	}
	d.front = newFront(t, routes...)
	for i := range projects {
		d.UnitSeen(unitOf(i), "inactive", "dead", "success")
	}
	return d
}

func host(i int) string   { return fmt.Sprintf("p%d.example", i) }
func unitOf(i int) string { return fmt.Sprintf("sandwich-p%d.service", i) }

// visit sends a request to a project.
func (d *dormitory) visit(i int, got chan<- int) net.Conn {
	d.Helper()
	c := d.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+host(i)+"\r\nConnection: close\r\n\r\n")
	if got != nil {
		go func() {
			var status int
			fmt.Fscanf(c, "HTTP/1.1 %d", &status)
			got <- status
		}()
	}
	return c
}

// queue sends a request to a project that is not woken yet.
func (d *dormitory) queue(i int, got chan<- int) net.Conn {
	d.Helper()
	held, queued := d.Status()[i].Held+1, d.Queued()
	if held == 1 {
		queued++
	}
	c := d.visit(i, got)
	d.until("the project is called", func() bool { return d.Status()[i].Held == held && d.Queued() == queued })
	return c
}

func (d *dormitory) until(what string, is func() bool) {
	d.Helper()
	d.eventually(what, func(proxy.Status) bool { return is() })
}

func (d *dormitory) woken(want int) {
	d.Helper()
	if i := within(d, d.came, "a start"); i != want {
		d.Errorf("p%d is woken, want p%d", i, want)
	}
}

func TestAHostFullOfSleepingProjectsIsNotWokenAtOnce(t *testing.T) {
	d := newDormitory(t, 5, 2)
	got := make(chan int, 10)
	for i := range 2 {
		d.visit(i, nil)
		d.woken(i)
	}
	for i := 2; i < 5; i++ {
		d.queue(i, got)
		d.queue(i, got) // a burst: it is one start
	}
	for i := range 3 {
		d.UnitSeen(unitOf(i), "activating", "start", "success")
		if len(d.came) > 0 {
			t.Fatalf("p%d is woken while others start", <-d.came)
		}
		if i%2 == 0 {
			d.UnitSeen(unitOf(i), "active", "running", "success")
		} else {
			d.UnitSeen(unitOf(i), "failed", "failed", "exit-code") // that is over, too
		}
		d.woken(i + 2)
		d.woken(i + 2)
	}
	for range 6 {
		if status := within(t, got, "an answer"); status != 200 {
			t.Errorf("a waiting visitor got %d", status)
		}
	}
}

func TestAProjectThatNobodyWaitsForIsNotWoken(t *testing.T) {
	d := newDormitory(t, 3, 1)
	d.visit(0, nil)
	d.woken(0)
	left := d.queue(1, nil)
	d.queue(2, nil)
	left.Close()
	d.until("the visitor has left", func() bool { return d.Status()[1].InFlight == 0 })
	d.UnitSeen(unitOf(0), "active", "running", "success")
	d.woken(2)
	d.queue(1, nil) // it is called again
	d.UnitSeen(unitOf(2), "active", "running", "success")
	d.woken(1)
}

func TestWhoCannotBeWokenInTimeIsToldSo(t *testing.T) {
	d := newDormitory(t, 2, 1, func(r *route.Route) { r.HoldMS = 50 })
	d.visit(0, nil)
	d.woken(0)
	res := d.ask("GET / HTTP/1.1\r\nHost: "+host(1)+"\r\n\r\n").want(t, 503)
	if res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if len(d.came) > 0 {
		t.Error("it was woken all the same")
	}
}
