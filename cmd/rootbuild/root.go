package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// streams are where a command writes: its one answer to out, all else to err.
type streams struct {
	out, err io.Writer // of text: what comes from outside cannot control a terminal
	file     io.Writer // standard output as it is, for the bytes of a file
	terminal io.Writer // standard error as it is, for a display that draws
}

// newStreams takes standard output and standard error.
func newStreams(out, err io.Writer) streams {
	s := streams{out: engine.Plain(out), err: engine.Plain(err), file: out, terminal: err}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.file = s.out
	}
	return s
}

// note tells a person one thing.
func (s streams) note(text string) { fmt.Fprintln(s.err, text) }

// report is what a verb found, for a person or a program to read.
type report interface{ WriteTable(io.Writer) error }

// tell writes a report to standard output, as a table or as JSON.
func (s streams) tell(r report, asJSON bool) error {
	if asJSON {
		return s.json(r)
	}
	return r.WriteTable(s.out)
}

func (s streams) json(v any) error {
	encoder := json.NewEncoder(s.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

const rootExample = `    rootbuild --target uclibc               build, unpack, switch current
    rootbuild --target ./site.yaml --check  switch only if the root boots
    rootbuild pull REF                      the same root on another master`

func newRoot(s streams) *cobra.Command {
	var o buildOptions
	cmd := &cobra.Command{
		Use:           "rootbuild --target TARGET",
		Short:         "build node roots for diskless clusters",
		Long:          longHelp("rootbuild"),
		Example:       rootExample,
		Args:          noArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.target == "" {
				return cmd.Help()
			}
			return runBuild(cmd.Context(), o, s)
		},
	}
	cmd.PersistentPreRun = func(cmd *cobra.Command, _ []string) { noteState(cmd, s) }
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	o.addFlags(cmd)
	addVerbs(cmd, s)
	return cmd
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

// noteState tells of a state directory that is not the one of the user's other runs:
// it would be filled anew, in silence.
func noteState(cmd *cobra.Command, s streams) {
	_, err := os.UserCacheDir()
	if state := cmd.Flags().Lookup("state"); err != nil && state != nil && !state.Changed {
		s.note("note: HOME is not set, so the state directory is " + homelessState + ", not that of ~/.cache; --state DIR names one")
	}
}
