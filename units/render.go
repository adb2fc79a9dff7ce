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
	renders := []func() (unitfile.File, error){main.renderSlice, main.renderSocket, main.renderService, main.renderTarget}
	if p.Overlap {
		next := generation{Project: p, version: version, socket: NextSocket(p.Name), service: NextService(p.Name), next: true}
		if p.Link != "" {
			next.release = NextRelease(p.Name)
		}
		renders = append(renders, next.renderSocket, next.renderService)
	}
	renders = append(renders, main.parts()...)
	renders = append(renders, main.deployment()...)
	var files []unitfile.File
	for _, render := range renders {
		file, err := render()
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// parts are what a project runs beside its web service.
func (g generation) parts() []func() (unitfile.File, error) {
	var renders []func() (unitfile.File, error)
	for _, w := range g.Workers {
		renders = append(renders, g.worker(w).render)
	}
	for _, t := range g.Timers {
		one := g.timer(t)
		renders = append(renders, one.renderTimer, one.renderService)
		if len(t.OnFailure) > 0 {
			renders = append(renders, one.renderFailure)
		}
	}
	return renders
}

// generation is one running copy of a project's web service: a project may have a second one, with
// units and a socket of its own, while the first is replaced. Its units are written with the
// others, because a restart must not make systemd read all unit files again.
type generation struct {
	*project.Project
	version int
	socket  string
	service string
	release string // the file that names the release to start from, in place of the current one
	part    string // the worker or timer that it is; "" for the web service
	next    bool   // the one beside the service: nothing starts it but a restart
}

// states says whether the project file itself states the setting, or a person did by hand.
func (g generation) states(key string) bool {
	return key == "gunicorn.workers" && g.Gunicorn.Scaled || g.Source != nil && g.Source.States(key)
}
