package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// makeOptions are the flags of every verb that may have to make an image.
type makeOptions struct {
	base    string
	builder builderOptions
	steps   int
	sources sourceOptions
	state   stateOptions

	// What has flags only where a verb adds them.
	packages packageOptions
	registry registryOptions
}

func (o *makeOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	addBase(cmd, &o.base)
	o.builder.AddFlags(cmd)
	f.IntVar(&o.steps, "steps", 0, "`number` of steps that run at once, on each of several builders (default: as many as there are cores; 2 on each of several builders)")
	o.sources.AddFlags(cmd)
	o.state.AddFlags(cmd)
	o.state.addProgress(cmd)
}

func addRunc(cmd *cobra.Command, runc *string) {
	cmd.Flags().StringVar(runc, "runc", "", "runc `program` (default: the one beside rootbuild, else in PATH)")
}

// check refuses values that no build can have.
func (o makeOptions) check() error {
	_, err := o.builder.builders()
	return errors.Join(o.state.check(), checkBase(o.base), err)
}

// options are those of a build.
func (o makeOptions) options(display *engine.Display) (builder.Options, error) {
	sources, err := o.sources.sources(o.registry)
	return builder.Options{
		Base: o.base, Steps: o.steps, Sources: sources, Version: cli.Version(), Display: display,
	}, err
}

// workshop is what a build works with.
type workshop struct {
	state   *state.State
	options builder.Options
}

// hold holds the state directory for a verb, and shows progress, while f works.
func (o makeOptions) hold(verb string, s cli.Streams, f func(workshop) error) error {
	return o.state.hold(verb, s, func(in *state.State, display *engine.Display) error {
		builders, err := o.builder.builders()
		if err != nil {
			return err
		}
		in.Use(builders...)
		options, err := o.options(display)
		if err != nil {
			return err
		}
		return f(workshop{in, options})
	})
}
