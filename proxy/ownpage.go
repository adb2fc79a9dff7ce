package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// maxPage bounds an error page of a project, in bytes.
const maxPage = 1 << 20

// ownPage is the project's page for a status, or nil. It is read each time: that is rare, and the
// page may be edited any time. Why it cannot be shown is logged.
func (v *visit) ownPage(status int) (body []byte, kind string) {
	pages := v.p.route.ErrorPages
	file, ok := pages[strconv.Itoa(status)]
	if !ok {
		file, ok = pages[strconv.Itoa(status/100)+"xx"]
	}
	if !ok {
		return nil, ""
	}
	body, err := readPage(file, v.p.route.PagesWithin)
	if err != nil {
		v.p.site.complain(v.log(), fmt.Sprintf("cannot show %s for %d %s, showing a plain page: %v", file, status, http.StatusText(status), err))
		return nil, ""
	}
	return body, kindOfPage(file)
}

func kindOfPage(file string) string {
	switch path.Ext(file) {
	case ".json":
		return "application/json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "text/html; charset=utf-8"
}

// What is wrong with a page.
var (
	errNoPage      = errors.New("it is no regular file")
	errLargePage   = errors.New("it is larger than 1 MiB")
	errPageOutside = errors.New("it leads out of the project")
)

// readPage reads a file that lies within one of the given places, wherever its name leads.
func readPage(file string, within []string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !stat.Mode().IsRegular():
		return nil, errNoPage
	case stat.Size() > maxPage:
		return nil, errLargePage
	case !liesWithin(f, within):
		return nil, errPageOutside
	}
	return io.ReadAll(io.LimitReader(f, maxPage))
}

// liesWithin asks for the path of what is open (proc_pid_fd(5)): a developer's link could lead to
// what the proxy may read and nobody else.
func liesWithin(f *os.File, within []string) bool {
	if len(within) == 0 {
		return true
	}
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	for _, dir := range within {
		if err == nil && (real == dir || strings.HasPrefix(real, dir+"/")) {
			return true
		}
	}
	return false
}
