package flags

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// Make says how an image is made, for every verb that may have to make one.
type Make struct {
	Base     Base
	Builders Builders
	Sources  Sources
	Packages Packages
	Registry Registry
	State    State
	steps    int
}

// AddFlags adds the flags of all its groups.
func (o *Make) AddFlags(cmd *cobra.Command) {
	o.Base.AddFlags(cmd)
	o.Builders.AddFlags(cmd)
	cmd.Flags().IntVar(&o.steps, "steps", 0, "`number` of steps that run at once, on each of several builders (default: as many as there are cores; 2 on each of several builders)")
	o.Sources.AddFlags(cmd)
	o.Packages.AddFlags(cmd)
	o.Registry.AddFlags(cmd)
	o.State.AddFlags(cmd)
	o.State.AddProgress(cmd)
}

// Check refuses values that no build can have.
func (o Make) Check() error {
	_, err := o.Builders.List()
	return errors.Join(o.State.Check(), o.Base.Check(), err)
}

// Places returns the places that packages are taken from.
func (o Make) Places() ([]packages.Place, error) { return o.Packages.Places(o.Registry) }

// Options are those of a build, which takes no packages yet.
func (o Make) Options(display *engine.Display) (builder.Options, error) {
	sources, err := o.Sources.From(o.Registry)
	return builder.Options{
		Base: string(o.Base), Steps: o.steps, Sources: sources, Version: cli.Version(), Display: display,
	}, err
}

// Workshop is what a build works with.
type Workshop struct {
	State   *state.State
	Options builder.Options
}

// Hold holds the state directory for a verb, and shows progress, while f works.
func (o Make) Hold(verb string, s cli.Streams, f func(Workshop) error) error {
	return o.State.Hold(verb, s, func(in *state.State, display *engine.Display) error {
		builders, err := o.Builders.List()
		if err != nil {
			return err
		}
		in.Use(builders...)
		options, err := o.Options(display)
		if err != nil {
			return err
		}
		return f(Workshop{in, options})
	})
}
