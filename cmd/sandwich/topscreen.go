package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

var topHeader = []string{"PROJECT", "REQ/S", "P50", "P95", "ERR/S", "IN FLIGHT", "WAITING", "WORKERS", "MEMORY", "CPU"}

func (r topRow) cells() []string {
	name := r.Name
	if r.Closed {
		name += " (maintenance)"
	}
	return []string{
		name, fmt.Sprintf("%.1f", r.Requests), milliseconds(r.P50), milliseconds(r.P95), fmt.Sprintf("%.1f", r.Errors),
		fmt.Sprint(r.InFlight), fmt.Sprint(r.Held), fmt.Sprint(r.Workers), cmp.Or(size(r.Memory), "-"), fmt.Sprintf("%.0f%%", r.CPU),
	}
}

func milliseconds(seconds float64) string {
	switch {
	case seconds == 0:
		return "-"
	case seconds < 1:
		return fmt.Sprintf("%.0fms", seconds*1000)
	}
	return fmt.Sprintf("%.1fs", seconds)
}

// topKeys are the orders that a key chooses.
var topKeys = map[byte]string{'n': "name", 'r': "req", 'p': "p95", 'e': "errors", 'f': "flight", 'm': "memory", 'c': "cpu"}

// The other screen, without a cursor, so that what was there before comes back.
const (
	screenOn  = "\x1b[?1049h\x1b[?25l"
	screenOff = "\x1b[?25h\x1b[?1049l"
	screenTop = "\x1b[H"
	lineEnd   = "\x1b[K\r\n"
	restOff   = "\x1b[J"
)

// live shows the table until q is typed. Nothing of what is shown can hold a control character: names
// of projects have none.
func (p *top) live(ctx context.Context, in, out *os.File) error {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("cannot use the terminal: %w", err)
	}
	defer term.Restore(int(in.Fd()), state)
	io.WriteString(out, screenOn)
	defer io.WriteString(out, screenOff)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keys := make(chan byte)
	go readKeys(ctx, in, keys)
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	looked := make(chan look)
	go p.watch(ctx, looked)
	io.WriteString(out, screenTop+"looking ..."+lineEnd)
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-looked:
			if l.err != nil {
				return l.err
			}
			p.before, p.after = l.before, l.after
			p.draw(out)
		case <-resized:
			if p.after.routes != nil {
				p.draw(out)
			}
		case key := <-keys:
			if key == 'q' || key == 3 { // Ctrl-C
				return nil
			}
			if order, ok := topKeys[key]; ok {
				p.order = order
			}
			if p.after.routes != nil {
				p.draw(out)
			}
		}
	}
}

// look is two samples, one after the other.
type look struct {
	before, after sample
	err           error
}

// watch looks again and again until ctx ends.
func (p *top) watch(ctx context.Context, looked chan<- look) {
	watcher := &top{look: p.look, every: p.every}
	for {
		err := watcher.next(ctx)
		select {
		case looked <- look{watcher.before, watcher.after, err}:
		case <-ctx.Done():
			return
		}
	}
}

// readKeys gives what is typed. It ends with the program: a read of a terminal cannot be ended.
func readKeys(ctx context.Context, in io.Reader, keys chan<- byte) {
	buf := make([]byte, 1)
	for {
		if _, err := in.Read(buf); err != nil {
			buf[0] = 'q'
		}
		select {
		case keys <- buf[0]:
		case <-ctx.Done():
			return
		}
	}
}

func (p *top) draw(out *os.File) {
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil || width < 10 || height < 3 {
		width, height = 80, 24
	}
	var b strings.Builder
	b.WriteString(screenTop)
	for i, line := range p.screen(width, height) {
		if i > 0 {
			b.WriteString(lineEnd)
		}
		b.WriteString(cut(line, width))
	}
	b.WriteString("\x1b[K" + restOff)
	io.WriteString(out, b.String())
}

// screen is what is shown in so many lines of so many columns.
func (p *top) screen(width, height int) []string {
	rows := p.rows()
	var all topRow
	for _, r := range rows {
		all.Requests, all.Errors, all.CPU = all.Requests+r.Requests, all.Errors+r.Errors, all.CPU+r.CPU
	}
	lines := []string{
		fmt.Sprintf("%s  %s  %.1f requests/s  %.1f errors/s  CPU %.0f%%",
			p.after.at.Format(time.TimeOnly), count(len(rows), "project"), all.Requests, all.Errors, all.CPU),
		fmt.Sprintf("%s  %s  %s for unknown hosts",
			count(p.after.proxy.Connections, "connection"), count(p.after.proxy.WebSockets, "WebSocket"), count(p.after.proxy.UnknownHosts, "request")),
		fmt.Sprintf("by %s; sort by r)equests p)95 e)rrors f) in flight m)emory c)pu n)ame, q)uit", p.order),
	}
	cells := [][]string{topHeader}
	for _, r := range rows[:min(len(rows), max(height-len(lines)-1, 0))] {
		cells = append(cells, r.cells())
	}
	shown := append(lines, aligned(cells, width)...)
	return shown[:min(len(shown), height)]
}

// shortestName is what is left of names on a narrow terminal.
const shortestName = 12

// aligned is a table: the first column to the left, the numbers to the right. Where the width does not
// do, 0 being enough for all, names are shortened: the numbers are what is looked for.
func aligned(cells [][]string, width int) []string {
	widths := make([]int, len(topHeader))
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if total := total(widths); width > 0 && total > width {
		widths[0] = min(widths[0], max(widths[0]-(total-width), shortestName))
	}
	lines := make([]string, len(cells))
	for n, row := range cells {
		var b strings.Builder
		fmt.Fprintf(&b, "%-*s", widths[0], shortened(row[0], widths[0]))
		for i, cell := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		lines[n] = b.String()
	}
	return lines
}

// total is the width of a table with columns of these widths.
func total(widths []int) int {
	sum := -2
	for _, w := range widths {
		sum += w + 2
	}
	return sum
}

// shortened is a word of at most so many characters.
func shortened(word string, most int) string {
	if len(word) <= most {
		return word
	}
	return word[:most-2] + ".."
}

func cut(line string, width int) string {
	if len(line) <= width {
		return line
	}
	return line[:width]
}
