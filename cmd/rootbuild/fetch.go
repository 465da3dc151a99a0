package main

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/stages"
)

type fetchVerb struct {
	target   flags.Target
	export   string
	push     string
	registry flags.Registry
	sources  flags.Sources
	state    flags.State
}

func (v *fetchVerb) AddFlags(cmd *cobra.Command) {
	v.target.AddFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&v.export, "export", "", "`directory` to write every source and recipe to, as --distdir reads them")
	f.StringVar(&v.push, "push", "", "`HOST/REPOSITORY:TAG` to send every source and recipe to, as --mirror reads them")
	v.registry.AddFlags(cmd)
	v.sources.AddFlags(cmd)
	v.state.AddFlags(cmd)
	v.state.AddProgress(cmd)
}

func (v *fetchVerb) Run(ctx context.Context, _ []string, s cli.Streams) (err error) {
	graph, err := v.target.Graph()
	if err := errors.Join(err, v.state.Check()); err != nil {
		return err
	}
	var to oci.Reference
	if v.push != "" {
		if to, err = flags.ParseRegistry(v.push); err != nil {
			return err
		}
	}
	in, err := v.state.Open("fetch")
	if err != nil {
		return err
	}
	defer cli.Closing(in, &err)
	if err := v.fetch(ctx, in, graph, s); err != nil {
		return err
	}
	if v.export != "" {
		files, err := sources.Export(ctx, in, graph, v.export)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.Err, "%d files of %s in %s\n", files, graph.Target.Name, v.export)
	}
	if v.push != "" {
		return v.send(ctx, in, graph, to, s)
	}
	return nil
}

// fetch brings what the state lacks.
func (v *fetchVerb) fetch(ctx context.Context, in *state.State, graph stages.Graph, s cli.Streams) error {
	from, err := v.sources.From(v.registry)
	if err != nil {
		return err
	}
	return v.state.Show(s, func(display *engine.Display) error { return sources.Fetch(ctx, in, graph, from, display) })
}

// send sends the sources to a registry, and prints the reference by which they are
// had again.
func (v *fetchVerb) send(ctx context.Context, in *state.State, graph stages.Graph, to oci.Reference, s cli.Streams) error {
	var digest v1.Hash
	err := v.registry.Transfer("push "+to.String(), v.state, s, func(options registry.Options) (err error) {
		digest, err = sources.Push(ctx, in, graph, to, options)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, to.At(digest))
	return err
}
