package main

import "github.com/spf13/cobra"

func newVersion(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if *asJSON {
			return t.json("version", version)
		}
		t.say("sandwich %s", version)
		return nil
	}
	return cmd
}
