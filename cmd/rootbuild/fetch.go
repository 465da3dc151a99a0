package main

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// fetchOptions are the flags of fetch.
type fetchOptions struct {
	target   string
	export   string
	push     string
	registry registryOptions
	sources  sourceOptions
	state    stateOptions
}

func newFetch(s streams) *cobra.Command {
	var o fetchOptions
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
	o.registry.addFlags(cmd)
	o.sources.addFlags(cmd)
	o.state.addFlags(cmd)
	o.state.addProgress(cmd)
	return cmd
}

func runFetch(ctx context.Context, o fetchOptions, s streams) (err error) {
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
	if err := o.fetch(ctx, state, graph, s); err != nil {
		return err
	}
	if o.export != "" {
		files, err := state.ExportSources(ctx, graph, o.export)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%d files of %s in %s\n", files, graph.Target.Name, o.export)
	}
	if o.push != "" {
		return o.send(ctx, state, graph, to, s)
	}
	return nil
}

// fetch brings what the state lacks.
func (o fetchOptions) fetch(ctx context.Context, state *builder.State, graph stages.Graph, s streams) error {
	from, err := o.sources.sources(o.registry)
	if err != nil {
		return err
	}
	return o.state.show(s, func(display *engine.Display) error { return state.Fetch(ctx, graph, from, display) })
}

// send sends the sources to a registry, and prints the reference by which they are
// had again.
func (o fetchOptions) send(ctx context.Context, state *builder.State, graph stages.Graph, to oci.Reference, s streams) error {
	var digest v1.Hash
	err := transfer("push "+to.String(), o.registry, o.state, s, func(options registry.Options) (err error) {
		digest, err = state.PushSources(ctx, graph, to, options)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, to.At(digest))
	return err
}
