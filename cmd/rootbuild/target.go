package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

type targetsVerb struct{ cli.NoFlags }

func (targetsVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	for _, name := range images.Names() {
		t, err := images.Load(name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.Out, "%-12s %s\n", t.Name, t.Description); err != nil {
			return err
		}
	}
	return nil
}

var errNoTarget = cli.UsageErrorf("no target: name one with --target (see rootbuild targets)")

// loadGraph reads a target with its recipes. Its faults are those of files, so none of
// them starts any work.
func loadGraph(target string) (stages.Graph, error) {
	if target == "" {
		return stages.Graph{}, errNoTarget
	}
	graph, err := stages.LoadTarget(target)
	if err != nil {
		return graph, cli.UsageError{Err: err}
	}
	return graph, nil
}

// loadTarget reads a target without its recipes.
func loadTarget(target string) (images.Target, error) {
	if target == "" {
		return images.Target{}, errNoTarget
	}
	t, err := images.Load(target)
	if err != nil {
		return t, cli.UsageError{Err: err}
	}
	return t, nil
}

// addTarget adds the flag that every verb on a target has.
func addTarget(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVarP(target, "target", "t", "", "`target`: an embedded one's name (see rootbuild targets) or a YAML file")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return images.Names(), cobra.ShellCompDirectiveDefault
	}
	if err := cmd.RegisterFlagCompletionFunc("target", complete); err != nil {
		panic(fmt.Sprintf("internal error: %v", err))
	}
}
