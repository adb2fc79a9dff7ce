package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"sandwich/units/apply"
	"sandwich/units/project"
)

// scaleDir keeps what sandwich scale was told, a file for each project.
const scaleDir = "/var/lib/sandwich/scale"

func scaleFile(name string) string { return filepath.Join(scaleDir, name+".json") }

func newScale(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scale NAME|NAME.WORKER NUMBER|default",
		Short: "Set how many gunicorn workers, or copies of a worker, a project has; default: as its file says",
		Args:  cobra.ExactArgs(2),
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return []string{"default"}, cobra.ShellCompDirectiveNoFileComp
		}
		return completeParts(cmd, args, typed)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what, err := t.scalable(args[0])
		if err != nil {
			return err
		}
		number, err := what.count(args[1])
		if err != nil {
			return err
		}
		if err := needRoot("scale"); err != nil {
			return err
		}
		return t.changing(cmd.Context(), "scale", func(h *host) error {
			before := scaleOf(what.project)
			if err := writeScale(what.project, what.scaled(before, number)); err != nil {
				return err
			}
			if err := t.carryOutOn(cmd.Context(), h, "scale", []string{what.project}, false); err != nil {
				// What could not be carried out is not left for the next apply.
				return errors.Join(err, writeScale(what.project, before))
			}
			t.say("%s: %s", what, what.scaledTo(number))
			return nil
		})
	}
	return cmd
}

// scalable is the project's web service, a part without a name, or a worker.
func (t *terminal) scalable(arg string) (part, error) {
	what := part{project: arg}
	if isPart(arg) {
		what = parsePart(arg)
	}
	if _, err := t.enabledProjects("scale", []string{what.project}, false); err != nil {
		return part{}, err
	}
	if what.name != "" && (!what.isWorker() || what.number != 0) {
		return part{}, usageError("%s is no worker\nhint: sandwich scale %s, or %s.WORKER", arg, what.project, what.project)
	}
	return what, nil
}

// asTheFileSays is the number that forgets the one set by hand.
const asTheFileSays = -1

// The most that makes sense on one host, as in a project file.
const (
	mostCopies  = 100
	mostWorkers = 512
)

func (p part) count(text string) (int, error) {
	if text == "default" {
		return asTheFileSays, nil
	}
	least, most := 1, mostWorkers
	if p.name != "" {
		least, most = 0, mostCopies
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, usageError("%q is no number from %d to %d, nor default\nhint: sandwich scale %s default", text, least, most, p)
	}
	return n, nil
}

// scaledTo words a number of workers or copies.
func (p part) scaledTo(number int) string {
	switch {
	case number == asTheFileSays:
		return "as its file says"
	case p.name == "":
		return count(number, "worker")
	case number == 1:
		return "1 copy"
	}
	return strconv.Itoa(number) + " copies"
}

// scaled is a scale with one number changed.
func (p part) scaled(before project.Scale, number int) project.Scale {
	after := project.Scale{Web: before.Web, Workers: maps.Clone(before.Workers)}
	switch {
	case p.name == "":
		after.Web = max(number, 0)
	case number == asTheFileSays:
		delete(after.Workers, p.name)
	default:
		if after.Workers == nil {
			after.Workers = map[string]int{}
		}
		after.Workers[p.name] = number
	}
	return after
}

// scaleOf is what a project was scaled to. A file that cannot be read is as if it were not there:
// the project file's numbers hold.
func scaleOf(name string) project.Scale {
	var scale project.Scale
	content, err := os.ReadFile(scaleFile(name))
	if err != nil || json.Unmarshal(content, &scale) != nil {
		return project.Scale{}
	}
	return scale
}

func writeScale(name string, scale project.Scale) error {
	if scale.Web == 0 && len(scale.Workers) == 0 {
		return apply.RemoveFile(scaleFile(name))
	}
	content, err := json.Marshal(scale)
	if err != nil {
		return fmt.Errorf("cannot write the scale of %s: %w", name, err)
	}
	return apply.WriteFile(scaleFile(name), append(content, '\n'))
}
