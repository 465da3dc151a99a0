package main

import (
	"os"
	"path/filepath"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/spf13/cobra"
)

const rootExample = `    rootbuild --target uclibc               build, unpack, switch current
    rootbuild --target ./site.yaml --check  switch only if the root boots
    rootbuild pull REF                      the same root on another master`

func newRoot(s cli.Streams) *cobra.Command {
	var o buildOptions
	cmd := &cobra.Command{
		Use:           "rootbuild --target TARGET",
		Short:         "build node roots for diskless clusters",
		Long:          longHelp("rootbuild"),
		Example:       rootExample,
		Args:          cli.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.target == "" {
				return cmd.Help()
			}
			return runBuild(cmd.Context(), o, s)
		},
	}
	cmd.PersistentPreRun = func(cmd *cobra.Command, _ []string) { noteState(cmd, s) }
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.UsageError{Err: err} })
	o.AddFlags(cmd)
	cli.AddVerbs(cmd, verbGroups(cmd), s)
	cmd.SetUsageFunc(cli.Usage(flagGroups))
	return cmd
}

// homelessState is the state directory where the surroundings name no home, as for
// services of systemd.
const homelessState = "/var/cache/rootbuild"

// defaultState is in the cache directory of the user who runs rootbuild.
func defaultState() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return homelessState
	}
	return filepath.Join(cache, "rootbuild")
}

// noteState tells of a state directory that is not the one of the user's other runs:
// it would be filled anew, in silence.
func noteState(cmd *cobra.Command, s cli.Streams) {
	_, err := os.UserCacheDir()
	if state := cmd.Flags().Lookup("state"); err != nil && state != nil && !state.Changed {
		s.Note("note: HOME is not set, so the state directory is " + homelessState + ", not that of ~/.cache; --state DIR names one")
	}
}
