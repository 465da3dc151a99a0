package flags

import (
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/spf13/cobra"
)

// Tagged is the Store of a verb that is told the tags of roots, and completes them.
type Tagged struct{ Store }

// AddFlags adds the flags of the store, and completes arguments.
func (o *Tagged) AddFlags(cmd *cobra.Command) {
	o.Store.AddFlags(cmd)
	cmd.ValidArgsFunction = o.completeTags
}

// completeTags completes the tags of roots.
func (o *Tagged) completeTags(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	view, err := o.View()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	roots, err := view.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var tags []string
	for _, r := range roots {
		tags = append(tags, r.Tag)
	}
	return tags, cobra.ShellCompDirectiveNoFileComp
}

// TagArgs wants n tags, or with n 0 at least one.
func TagArgs(n int) cobra.PositionalArgs {
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

// AtMostOneTag refuses more than one argument.
func AtMostOneTag(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return cli.UsageErrorf("%s takes one tag, not %q too", cmd.CommandPath(), args[1])
	}
	return nil
}
