package main

import (
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/spf13/cobra"
)

// tagArgs wants n tags, or with n 0 at least one.
func tagArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if n == 0 && len(args) == 0 {
			return cli.UsageErrorf("%s: name a tag (see rootbuild ls)", cmd.CommandPath())
		}
		if n > 0 && len(args) != n {
			return cli.UsageErrorf("%s: %d tags named, want %d (see rootbuild ls)", cmd.CommandPath(), len(args), n)
		}
		return nil
	}
}

// atMostOneTag refuses more than one argument.
func atMostOneTag(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return cli.UsageErrorf("%s takes one tag, not %q too", cmd.CommandPath(), args[1])
	}
	return nil
}
