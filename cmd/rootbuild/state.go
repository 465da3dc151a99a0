package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/spf13/cobra"
)

// stateOptions say where builds keep their state and how they show progress.
type stateOptions struct {
	dir      string
	progress string
}

func (o *stateOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.dir, "state", defaultState(), "directory of builds, sources and images")
}

func (o *stateOptions) addProgress(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.progress, "progress", "auto", "progress display: "+strings.Join(engine.ProgressModes, ", "))
}

// open takes the state directory for one verb.
func (o stateOptions) open(verb string) (*builder.State, error) {
	return builder.OpenState(o.dir, "rootbuild "+verb)
}

// check refuses a progress display that there is not.
func (o stateOptions) check() error {
	if !slices.Contains(engine.ProgressModes, o.progress) {
		return usageError{fmt.Errorf("--progress %q: it is one of %s", o.progress, strings.Join(engine.ProgressModes, ", "))}
	}
	return nil
}

// display starts the progress display. Close it before anything else is written.
func (o stateOptions) display(s streams) (*engine.Display, error) {
	return engine.NewDisplay(s.err, o.progress)
}

// closing closes c at the end of a function and adds its error to the result.
func closing(c io.Closer, err *error) {
	*err = errors.Join(*err, c.Close())
}
