package engine

import (
	"context"
	"errors"
	"fmt"

	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/opencontainers/go-digest"
)

// StepError says which step of a build failed. The step's log went to the
// display.
type StepError struct {
	// Step is the step's name in the display, e.g. "package bash 5.2.37".
	Step string
	// At is the file and line that the step was made from, if LLB tells it.
	At string
	// Builder names where it ran, if that is another program than this one.
	Builder string
	// ExitCode is what the step's program ended with; 0 if it never ran.
	ExitCode int
	// Err is the error as BuildKit tells it.
	Err error
}

// Error begins with file and line, where they are known.
func (e *StepError) Error() string {
	cause := e.Err.Error()
	if e.ExitCode != 0 {
		cause = fmt.Sprintf("exit code %d", e.ExitCode)
	}
	if e.ExitCode == 128+9 {
		cause += ", killed: did the host run out of memory?"
	}
	if e.Builder != "" {
		cause += ", on " + e.Builder
	}
	if e.At == "" {
		return fmt.Sprintf("%s: %s", e.Step, cause)
	}
	return fmt.Sprintf("%s: %s: %s", e.At, e.Step, cause)
}

// Unwrap returns BuildKit's error.
func (e *StepError) Unwrap() error { return e.Err }

// stepError finds in an error of BuildKit the step that failed, or returns nil.
// names are those of the steps by their digests.
func stepError(err error, names map[digest.Digest]string) *StepError {
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) || errors.Is(err, context.Canceled) {
		return nil
	}
	e := &StepError{Step: names[digest.Digest(vertex.Digest)], At: location(err), Err: vertex}
	var exit *gateway.ExitError
	if errors.As(err, &exit) {
		e.ExitCode = int(exit.ExitCode)
	}
	return e
}

// location is the line that LLB names as the origin of what failed.
func location(err error) string {
	for _, s := range errdefs.Sources(err) {
		if s.Info != nil && len(s.Ranges) > 0 && s.Ranges[0].Start != nil {
			return fmt.Sprintf("%s:%d", s.Info.Filename, s.Ranges[0].Start.Line)
		}
	}
	return ""
}
