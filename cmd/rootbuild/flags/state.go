// Package flags has the flags that several verbs share, in groups, and says what each
// group means to the packages below. A verb has those that it needs as fields.
package flags

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// State says where builds keep their state and how they show progress.
type State struct {
	Dir      string // the state directory
	progress string
}

// AddFlags adds the flag of the directory.
func (o *State) AddFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.Dir, "state", defaultState(), "`directory` of builds, sources and images")
}

// AddProgress adds the flag of the display, for verbs that show one.
func (o *State) AddProgress(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.progress, "progress", "auto", "`form` of the progress display: "+strings.Join(engine.ProgressModes, ", "))
}

// homelessState is the state directory where the surroundings name no home, as for
// services of systemd.
const homelessState = "/var/cache/rootbuild"

// defaultState is in the cache directory of the user who runs rootbuild.
func defaultState() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return homelessState
	}
	return filepath.Join(cache, "rootbuild")
}

// NoteState tells of a state directory that is not the one of the user's other runs:
// it would be filled anew, in silence.
func NoteState(cmd *cobra.Command, s cli.Streams) {
	_, err := os.UserCacheDir()
	if state := cmd.Flags().Lookup("state"); err != nil && state != nil && !state.Changed {
		s.Note("note: HOME is not set, so the state directory is " + homelessState + ", not that of ~/.cache; --state DIR names one")
	}
}

// Check refuses a progress display that there is not. It is for verbs with AddProgress.
func (o State) Check() error {
	if !slices.Contains(engine.ProgressModes, o.progress) {
		return cli.UsageErrorf("--progress %q: it is one of %s", o.progress, strings.Join(engine.ProgressModes, ", "))
	}
	return nil
}

// Images is the layout of the images in the directory.
func (o State) Images() string { return filepath.Join(o.Dir, "images") }

// Boots is where the directory has the records of boots.
func (o State) Boots() string { return filepath.Join(o.Dir, "boots") }

// Open takes the directory for a verb, whose name others are told meanwhile.
func (o State) Open(verb string) (*state.State, error) {
	return state.Open(o.Dir, "rootbuild "+verb)
}

// Hold holds the directory for a verb, and shows progress, while f works.
func (o State) Hold(verb string, s cli.Streams, f func(*state.State, *engine.Display) error) (err error) {
	in, err := o.Open(verb)
	if err != nil {
		return err
	}
	defer cli.Closing(in, &err)
	return o.Show(s, func(display *engine.Display) error { return f(in, display) })
}

// Show shows progress while f works. Its display is closed before anything else is
// written.
func (o State) Show(s cli.Streams, f func(*engine.Display) error) (err error) {
	display, err := engine.NewDisplay(s.Terminal, o.progress)
	if err != nil {
		return err
	}
	defer cli.Closing(display, &err)
	return f(display)
}
