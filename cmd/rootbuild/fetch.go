package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// fetchOptions say where sources may come from.
type fetchOptions struct {
	distdirs []string
	mirror   string
	offline  bool
}

func (o *fetchOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.distdirs, "distdir", nil, "directory that is looked in first for sources; may be given again")
	addMirror(cmd, &o.mirror)
	f.BoolVar(&o.offline, "offline", false, "use no network: name what is missing")
}

func addMirror(cmd *cobra.Command, url *string) {
	cmd.Flags().StringVar(url, "mirror", "", "base URL of a Debian archive, instead of the host's apt configuration")
}

func newFetch(s streams) *cobra.Command {
	var target string
	var o fetchOptions
	var so stateOptions
	cmd := &cobra.Command{
		Use:   "fetch --target TARGET",
		Short: "fetch every source of a target into the state directory",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFetch(cmd.Context(), target, o, so, s)
		},
	}
	addTarget(cmd, &target)
	o.addFlags(cmd)
	so.addFlags(cmd)
	so.addProgress(cmd)
	return cmd
}

func runFetch(ctx context.Context, target string, o fetchOptions, so stateOptions, s streams) (err error) {
	graph, err := loadGraph(target)
	if err := errors.Join(err, so.check()); err != nil {
		return err
	}
	state, err := so.open("fetch")
	if err != nil {
		return err
	}
	defer closing(state, &err)
	display, err := so.display(s)
	if err != nil {
		return err
	}
	defer closing(display, &err)
	return fetch(ctx, state, graph, o, display)
}

// fetch brings what is missing of a graph's sources into the state directory.
func fetch(ctx context.Context, state *builder.State, graph stages.Graph, o fetchOptions, display *builder.Display) error {
	store, err := distfiles.Open(state.Distfiles())
	if err != nil {
		return err
	}
	missing := store.Missing(sources(graph))
	if len(missing) == 0 {
		return nil
	}
	progress := newFetchProgress(display)
	err = store.Fetch(ctx, missing, distfiles.FetchOptions{
		Dirs: o.distdirs, Offline: o.offline, Mirror: o.mirror, Progress: progress.show,
	})
	if err != nil {
		return fmt.Errorf("fetching the sources of %s: %w", graph.Target.Name, err)
	}
	return nil
}
