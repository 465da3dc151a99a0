package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// fetchOptions say where sources may come from.
type fetchOptions struct {
	distdirs []string
	mirror   mirrors
	offline  bool
	registry registryOptions // of the mirrors that are registries
}

func (o *fetchOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.distdirs, "distdir", nil, "directory that is looked in first for sources; may be given again")
	addMirror(cmd, &o.mirror)
	f.BoolVar(&o.offline, "offline", false, "use no network: name what is missing")
}

// fetchVerbOptions are the flags of fetch.
type fetchVerbOptions struct {
	target string
	export string
	push   string
	fetch  fetchOptions
	state  stateOptions
}

func newFetch(s streams) *cobra.Command {
	var o fetchVerbOptions
	cmd := &cobra.Command{
		Use:   "fetch --target TARGET",
		Short: "fetch every source of a target into the state directory",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFetch(cmd.Context(), o, s)
		},
	}
	addTarget(cmd, &o.target)
	f := cmd.Flags()
	f.StringVar(&o.export, "export", "", "directory to write every source and recipe to, as --distdir reads them")
	f.StringVar(&o.push, "push", "", "HOST/REPOSITORY:TAG to send every source and recipe to, as --mirror reads them")
	o.fetch.registry.addFlags(cmd)
	o.fetch.addFlags(cmd)
	o.state.addFlags(cmd)
	o.state.addProgress(cmd)
	return cmd
}

func runFetch(ctx context.Context, o fetchVerbOptions, s streams) (err error) {
	graph, err := loadGraph(o.target)
	if err := errors.Join(err, o.state.check()); err != nil {
		return err
	}
	var to oci.Reference
	if o.push != "" {
		if to, err = parseRegistry(o.push); err != nil {
			return err
		}
	}
	state, err := o.state.open("fetch")
	if err != nil {
		return err
	}
	defer closing(state, &err)
	if err := fetchShown(ctx, state, graph, o.fetch, o.state, s); err != nil {
		return err
	}
	store, err := distfiles.Open(state.Distfiles())
	if err != nil {
		return err
	}
	d := delivery{graph: graph, store: store, options: o, streams: s}
	if o.export != "" {
		if err := d.export(ctx); err != nil {
			return err
		}
	}
	if o.push != "" {
		return d.push(ctx, to)
	}
	return nil
}

// fetchShown fetches with a progress display.
func fetchShown(ctx context.Context, state *builder.State, graph stages.Graph, o fetchOptions, so stateOptions, s streams) (err error) {
	display, err := so.display(s)
	if err != nil {
		return err
	}
	defer closing(display, &err)
	return fetch(ctx, state, graph, o, display)
}

// fetch brings what is missing of a graph's sources into the state directory.
func fetch(ctx context.Context, state *builder.State, graph stages.Graph, o fetchOptions, display *engine.Display) error {
	store, err := distfiles.Open(state.Distfiles())
	if err != nil {
		return err
	}
	missing := store.Missing(sources(graph))
	if len(missing) == 0 {
		return nil
	}
	blobs, err := o.mirror.blobs(store, o.registry)
	if err != nil {
		return err
	}
	progress := newFetchProgress(display)
	err = store.Fetch(ctx, missing, distfiles.FetchOptions{
		Dirs: o.distdirs, Blobs: blobs, Offline: o.offline, Mirror: o.mirror.archive, Progress: progress.show,
	})
	if err != nil {
		return fmt.Errorf("fetching the sources of %s: %w", graph.Target.Name, err)
	}
	return nil
}
