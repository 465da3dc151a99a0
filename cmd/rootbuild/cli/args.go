package cli

import (
	"github.com/rootbuild/rootbuild/images"
	"github.com/spf13/cobra"
)

// NoArgs refuses arguments, naming the first, and the nearest verb if there is one.
func NoArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasParent():
		return UsageErrorf("%s takes no argument such as %q", cmd.CommandPath(), args[0])
	}
	var verbs []string
	for _, c := range cmd.Commands() {
		verbs = append(verbs, c.Name())
	}
	return UsageErrorf("unknown verb %q%s (see rootbuild --help)", args[0], images.DidYouMean(args[0], verbs))
}

// Exactly refuses any other number of arguments.
func Exactly(n int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return UsageErrorf("got %d arguments, want %s", len(args), want)
		}
		return nil
	}
}
