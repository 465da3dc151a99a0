package engine

import (
	"fmt"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Watch says who is told how a build goes.
type Watch struct {
	// Display shows the progress; nil shows none.
	Display *Display
	// Step is told of each step that is done, one at a time and each once. Its
	// error is that of the build. It may be nil.
	Step func(Step) error
	// On is shown behind the names of steps, where several builders show theirs.
	On string
}

// watcher sees the updates of one job.
type watcher struct {
	job     string
	builder Builder
	steps   *stepLog
	display *Display
	on      string
	names   map[digest.Digest]string // of the steps
}

// follow hands each update to the record of steps and to the display.
func (w *watcher) follow(updates <-chan *client.SolveStatus) error {
	var failed error
	for s := range updates {
		if err := w.steps.add(s.Vertexes); err != nil {
			failed = err
		}
		for _, v := range s.Vertexes {
			w.names[v.Digest] = v.Name
			if w.on != "" {
				v.Name += " on " + w.on
			}
		}
		w.display.forward(w.job, s)
	}
	return failed
}

// explain returns a *StepError for an error that came from a step, and names
// the job in any other.
func (w *watcher) explain(err error) error {
	if step := stepError(err, w.names); step != nil {
		if w.builder.Remote() {
			step.Builder = w.builder.String()
		}
		return step
	}
	if err != nil && w.builder.Remote() {
		return fmt.Errorf("building %s on %s: %w", w.job, w.builder, err)
	}
	if err != nil {
		return fmt.Errorf("building %s: %w", w.job, err)
	}
	return nil
}
