package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
	var target, export string
	var o fetchOptions
	var so stateOptions
	cmd := &cobra.Command{
		Use:   "fetch --target TARGET",
		Short: "fetch every source of a target into the state directory",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFetch(cmd.Context(), target, export, o, so, s)
		},
	}
	addTarget(cmd, &target)
	cmd.Flags().StringVar(&export, "export", "", "directory to write every source and recipe to, as --distdir reads them")
	o.addFlags(cmd)
	so.addFlags(cmd)
	so.addProgress(cmd)
	return cmd
}

func runFetch(ctx context.Context, target, export string, o fetchOptions, so stateOptions, s streams) error {
	graph, err := loadGraph(target)
	if err := errors.Join(err, so.check()); err != nil {
		return err
	}
	state, err := so.open("fetch")
	if err != nil {
		return err
	}
	err = fetchShown(ctx, state, graph, o, so, s)
	if err == nil && export != "" {
		err = exportSources(ctx, state, graph, export, s)
	}
	return errors.Join(err, state.Close())
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

// exportSources writes the corresponding source of a graph to dir: of each
// recipe the sources, and recipe.yaml with all that stands beside it.
func exportSources(ctx context.Context, state *builder.State, graph stages.Graph, dir string, s streams) error {
	store, err := distfiles.Open(state.Distfiles())
	if err != nil {
		return err
	}
	var files []distfiles.ExportFile
	for _, r := range append(slices.Clone(graph.Stages), graph.Toolchain) {
		below := r.Name + "-" + r.Version + "/"
		for _, source := range r.Sources {
			files = append(files, distfiles.ExportFile{Path: below + source.Name, SHA256: source.SHA256})
		}
		files = append(files, distfiles.ExportFile{Path: below + "recipe/recipe.yaml", Text: r.Text})
		for _, name := range slices.Sorted(maps.Keys(r.Files)) {
			files = append(files, distfiles.ExportFile{Path: below + "recipe/" + name, Text: r.Files[name]})
		}
	}
	if err := store.Export(ctx, dir, files); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d files of %s in %s\n", len(files), graph.Target.Name, dir)
	return nil
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
