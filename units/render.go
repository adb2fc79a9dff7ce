package units

import (
	"fmt"
	"regexp"

	"sandwich/units/project"
	"sandwich/units/unitfile"
)

// projectName is what a unit name, a socket path and a journal identifier can all carry.
var projectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$`)

// Render is every unit file of a completed project, for the systemd of the given version: a
// directive that this version does not know is left out. The project itself is not changed.
func Render(p *project.Project, version int) ([]unitfile.File, error) {
	if !projectName.MatchString(p.Name) {
		return nil, fmt.Errorf("cannot write units for %q: not the name of a project", p.Name)
	}
	main := generation{Project: p, version: version, socket: Socket(p.Name), service: Service(p.Name)}
	var files []unitfile.File
	for _, render := range []func() (unitfile.File, error){main.renderSocket, main.renderService, main.renderSlice, main.renderTarget} {
		file, err := render()
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// generation is one running copy of a project's web service: a project may have a second one, with
// units and a socket of its own, while the first is replaced.
type generation struct {
	*project.Project
	version int
	socket  string
	service string
}

// states says whether the project file itself states the setting.
func (g generation) states(key string) bool {
	return g.Source != nil && g.Source.States(key)
}
