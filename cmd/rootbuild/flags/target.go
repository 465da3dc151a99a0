package flags

import (
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// Target names a target: an embedded one, or a YAML file. Its faults are those of
// files, so none of them starts any work.
type Target string

var errNoTarget = cli.UsageErrorf("no target: name one with --target (see rootbuild targets)")

// AddFlags adds the flag that every verb on a target has.
func (o *Target) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP((*string)(o), "target", "t", "", "`target`: an embedded one's name (see rootbuild targets) or a YAML file")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return images.Names(), cobra.ShellCompDirectiveDefault
	}
	if err := cmd.RegisterFlagCompletionFunc("target", complete); err != nil {
		panic(fmt.Sprintf("internal error: %v", err))
	}
}

// Graph reads the target with its recipes.
func (o Target) Graph() (stages.Graph, error) { return load(o, stages.LoadTarget) }

// Load reads the target without its recipes.
func (o Target) Load() (images.Target, error) { return load(o, images.Load) }

func load[T any](o Target, from func(string) (T, error)) (T, error) {
	if o == "" {
		var none T
		return none, errNoTarget
	}
	read, err := from(string(o))
	if err != nil {
		return read, cli.UsageError{Err: err}
	}
	return read, nil
}
