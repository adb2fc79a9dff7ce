package proxy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sandwich/proxy/route"
)

// routeFile is a route as it was found on disk.
type routeFile struct {
	route       *route.Route
	hash        string
	maintenance *route.Maintenance // nil: there is none
}

func (s *Server) routePath(name string) string {
	return filepath.Join(s.conf.Routes, name+".json")
}

// routeNames are the projects that have a route file, sorted: who comes first keeps a domain.
func (s *Server) routeNames() ([]string, error) {
	entries, err := os.ReadDir(s.conf.Routes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if ok && route.CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

func (s *Server) load(name string) (*routeFile, error) {
	data, err := readBounded(s.routePath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNoFile, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	r, err := route.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if r.Name != name {
		return nil, fmt.Errorf("%w: it is the route of %s", ErrBroken, r.Name)
	}
	return &routeFile{route: r, hash: route.Hash(data), maintenance: s.loadMaintenance(name)}, nil
}

// loadMaintenance tells whether a project is closed. A file that says so in words that nobody
// understands does say so.
func (s *Server) loadMaintenance(name string) *route.Maintenance {
	if s.conf.Maintenance == "" {
		return nil
	}
	path := filepath.Join(s.conf.Maintenance, name+".json")
	data, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m *route.Maintenance
	if err == nil {
		m, err = route.DecodeMaintenance(data)
	}
	if err != nil {
		s.log.Error(fmt.Sprintf("cannot use %s, keeping the project closed for everybody: %v", path, err), "project", name)
		return &route.Maintenance{Version: route.Version}
	}
	return m
}

func loadSettings(file string) (*route.Settings, error) {
	data, err := readBounded(file)
	if errors.Is(err, fs.ErrNotExist) {
		return route.DefaultSettings(), nil
	}
	if err != nil {
		return nil, err
	}
	return route.DecodeSettings(data)
}

// readBounded reads one byte more than is allowed at most, so that Decode can say so.
func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, route.MaxSize+1))
}
