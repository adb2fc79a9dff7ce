package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// groups are the verbs in the order in which somebody comes to need them.
var groups = []struct{ title, verbs string }{
	{"From a Django project to a site", "init check fmt plan apply enable disable"},
	{"Looking", "status list top logs jobs why doctor"},
	{"Changing what runs", "start stop restart reload idle kill scale maintenance deploy rollback"},
	{"Working in a project", "manage run shell"},
	{"The host", "proxy tls"},
	{"This program", "completion version help"},
}

// group has the help list the verbs by groups.
func group(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, verb := range strings.Fields(g.verbs) {
			if command, _, err := root.Find([]string{verb}); err == nil && command != root {
				command.GroupID = g.title
			}
		}
	}
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [VERB]", Short: "Show what a verb takes; the manual is sandwich(1)", Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			above, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return verbsOf(above), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError("there is no verb %q\nhint: sandwich --help", strings.Join(args, " "))
			}
			return about.Help()
		},
	}
}

// verbsOf are the names of a command's commands, but for hidden ones.
func verbsOf(command *cobra.Command) []string {
	var names []string
	for _, c := range command.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}
