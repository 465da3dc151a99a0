package main

import (
	"fmt"

	"github.com/rootbuild/rootbuild/images"
	"github.com/spf13/cobra"
)

// noArgs refuses arguments, naming the first, and the nearest verb if there is one.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasParent():
		return usageError{fmt.Errorf("%s takes no argument such as %q", cmd.CommandPath(), args[0])}
	}
	var verbs []string
	for _, c := range cmd.Commands() {
		verbs = append(verbs, c.Name())
	}
	return usageError{fmt.Errorf("unknown verb %q%s (see rootbuild --help)", args[0], images.DidYouMean(args[0], verbs))}
}

// exactly refuses any other number of arguments.
func exactly(n int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("got %d arguments, want %s", len(args), want)}
		}
		return nil
	}
}

// tagArgs wants n tags, or with n 0 at least one.
func tagArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if n == 0 && len(args) == 0 {
			return usageError{fmt.Errorf("%s: name a tag (see rootbuild ls)", cmd.CommandPath())}
		}
		if n > 0 && len(args) != n {
			return usageError{fmt.Errorf("%s: %d tags named, want %d (see rootbuild ls)", cmd.CommandPath(), len(args), n)}
		}
		return nil
	}
}

// atMostOneTag refuses more than one argument.
func atMostOneTag(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%s takes one tag, not %q too", cmd.CommandPath(), args[1])}
	}
	return nil
}
