package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// loadGraph reads a target and the recipes it may name, and resolves them. Its
// faults are those of files, so none of them starts any work.
func loadGraph(target string) (stages.Graph, error) {
	if target == "" {
		return stages.Graph{}, usageError{errors.New("no target: name one with --target (see rootbuild targets)")}
	}
	t, err := images.Load(target)
	if err != nil {
		return stages.Graph{}, usageError{err}
	}
	if t.Epoch.After(time.Now()) {
		return stages.Graph{}, usageError{fmt.Errorf("%s: epoch %s is later than this host's clock: files of the future confuse make and tar; set an earlier one, or the clock",
			t.Source, t.Epoch.Format(time.RFC3339))}
	}
	recipes, err := stages.LoadFor(t)
	if err != nil {
		return stages.Graph{}, usageError{err}
	}
	graph, err := stages.Resolve(t, recipes)
	if err != nil {
		return stages.Graph{}, usageError{err}
	}
	return graph, nil
}

// addTarget adds the flag that every verb on a target has.
func addTarget(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVarP(target, "target", "t", "", "target: an embedded one's name (see rootbuild targets) or a YAML file")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return images.Names(), cobra.ShellCompDirectiveDefault
	}
	if err := cmd.RegisterFlagCompletionFunc("target", complete); err != nil {
		panic(fmt.Sprintf("internal error: %v", err))
	}
}
