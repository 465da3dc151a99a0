package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// stateOptions say where builds keep their state and how they show progress.
type stateOptions struct {
	dir      string
	progress string
}

func (o *stateOptions) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.dir, "state", defaultState(), "`directory` of builds, sources and images")
}

func (o *stateOptions) addProgress(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.progress, "progress", "auto", "`form` of the progress display: "+strings.Join(engine.ProgressModes, ", "))
}

// open takes the state directory for one verb.
func (o stateOptions) open(verb string) (*state.State, error) {
	return state.Open(o.dir, "rootbuild "+verb)
}

// check refuses a progress display that there is not.
func (o stateOptions) check() error {
	if !slices.Contains(engine.ProgressModes, o.progress) {
		return cli.UsageErrorf("--progress %q: it is one of %s", o.progress, strings.Join(engine.ProgressModes, ", "))
	}
	return nil
}

// hold holds the state directory for a verb, and shows progress, while f works.
func (o stateOptions) hold(verb string, s cli.Streams, f func(*state.State, *engine.Display) error) (err error) {
	in, err := o.open(verb)
	if err != nil {
		return err
	}
	defer cli.Closing(in, &err)
	return o.show(s, func(display *engine.Display) error { return f(in, display) })
}

// show shows progress while f works. Its display is closed before anything else is
// written.
func (o stateOptions) show(s cli.Streams, f func(*engine.Display) error) (err error) {
	display, err := engine.NewDisplay(s.Terminal, o.progress)
	if err != nil {
		return err
	}
	defer cli.Closing(display, &err)
	return f(display)
}
