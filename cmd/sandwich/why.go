package main

import (
	"context"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"sandwich/units/why"
)

func newWhy(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why NAME...",
		Short: "Say why a project is down or slow, and what to do about it",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("why", args, *all, projectNames)
		if err != nil {
			return err
		}
		h, err := openHost(cmd.Context())
		if err != nil {
			return err
		}
		defer h.close()
		answers := t.lookAt(cmd.Context(), h, names)
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		return t.answer(answers, *asJSON)
	}
	return cmd
}

// answer is what `sandwich why` says of one project.
type answer struct {
	Name   string      `json:"name"`
	State  state       `json:"state"`
	Causes []why.Cause `json:"causes"` // the likeliest first; none when nothing wrong was found
}

// lookAt looks at a few projects side by side.
func (t *terminal) lookAt(ctx context.Context, h *host, names []string) []answer {
	defer t.slow("looking at " + strings.Join(names, ", "))()
	answers := make([]answer, len(names))
	slots := make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for i, name := range names {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			f := gather(ctx, h, name)
			answers[i] = answer{
				Name: name, State: stateOf(f.Enabled, f.Service.Active, f.Service.Sub, f.Socket.Active),
				Causes: append([]why.Cause{}, why.Judge(f)...),
			}
		})
	}
	all.Wait()
	return answers
}

func (t *terminal) answer(answers []answer, asJSON bool) error {
	if asJSON {
		return t.json("why", answers)
	}
	for i, a := range answers {
		if i > 0 {
			t.say("")
		}
		t.say("%s", strings.Join(a.lines(), "\n"))
	}
	return nil
}

func (a answer) lines() []string {
	head := a.Name + ": " + string(a.State)
	if len(a.Causes) == 0 {
		lines := []string{head + ", nothing wrong found"}
		if needRoot("") != nil {
			lines = append(lines, "  Not everything was looked at: only root can read the journal and ask the project itself.")
		}
		return lines
	}
	lines := []string{head + ": " + a.Causes[0].Says}
	for i, c := range a.Causes {
		if i > 0 {
			lines = append(lines, "  also: "+c.Says)
		}
		for _, text := range c.Evidence {
			lines = append(lines, "  | "+text)
		}
		lines = append(lines, "  remedy: "+strings.ReplaceAll(c.Remedy, "\n", "\n    "))
		for _, next := range c.Next {
			lines = append(lines, "    "+next)
		}
	}
	return lines
}
