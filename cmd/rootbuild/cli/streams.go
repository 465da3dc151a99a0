// Package cli is the terminal side of the command: what it writes and asks, how a verb
// becomes one, and what is said of a wrong command line. It knows no verb.
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/rootbuild/rootbuild/builder/engine"
	"golang.org/x/term"
)

// Streams are where a command writes: its one answer to Out, all else to Err.
type Streams struct {
	Out, Err io.Writer // of text: what comes from outside cannot control a terminal
	File     io.Writer // standard output as it is, for the bytes of a file
	Terminal io.Writer // standard error as it is, for a display that draws
}

// NewStreams takes standard output and standard error.
func NewStreams(out, err io.Writer) Streams {
	s := Streams{Out: engine.Plain(out), Err: engine.Plain(err), File: out, Terminal: err}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.File = s.Out
	}
	return s
}

// Note tells a person one thing.
func (s Streams) Note(text string) { fmt.Fprintln(s.Err, text) }

// Report is what a verb found, for a person or a program to read.
type Report interface{ WriteTable(io.Writer) error }

// Tell writes a report to standard output, as a table or as JSON.
func (s Streams) Tell(r Report, asJSON bool) error {
	if asJSON {
		return s.JSON(r)
	}
	return r.WriteTable(s.Out)
}

// JSON writes a value to standard output, for a program to read.
func (s Streams) JSON(v any) error {
	encoder := json.NewEncoder(s.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
