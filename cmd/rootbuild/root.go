package main

import (
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
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
	cmd.PersistentPreRun = func(cmd *cobra.Command, _ []string) { flags.NoteState(cmd, s) }
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.UsageError{Err: err} })
	o.AddFlags(cmd)
	cli.AddVerbs(cmd, verbGroups(cmd), s)
	cmd.SetUsageFunc(cli.Usage(flagGroups))
	return cmd
}
