package engine

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/opencontainers/go-digest"
)

// Display shows the progress of builds in BuildKit's own display. A nil
// Display shows nothing.
type Display struct {
	status chan *client.SolveStatus
	done   chan error

	mu    sync.Mutex
	owner map[digest.Digest]string
}

// ProgressModes are the values that NewDisplay takes. All but "quiet" are
// BuildKit's own; that shows only the log of a step that failed.
var ProgressModes = []string{"auto", "plain", "tty", "rawjson", "quiet"}

// NewDisplay starts a display on w, which for the modes "auto" and "tty" may
// be a terminal. Close ends it.
func NewDisplay(w io.Writer, mode string) (*Display, error) {
	run, err := newUI(w, mode)
	if err != nil {
		return nil, fmt.Errorf("starting progress display: %w", err)
	}
	d := &Display{status: make(chan *client.SolveStatus), done: make(chan error, 1), owner: map[digest.Digest]string{}}
	go func() { d.done <- run(d.status) }()
	return d, nil
}

// newUI returns what shows updates until there are no more.
func newUI(w io.Writer, mode string) (func(chan *client.SolveStatus) error, error) {
	if mode == "quiet" {
		return quiet{w, map[digest.Digest][]byte{}}.run, nil
	}
	ui, err := progressui.NewDisplay(w, progressui.DisplayMode(mode), progressui.WithPhase("Building"))
	return func(updates chan *client.SolveStatus) error {
		// Not the build's context: after an interrupt the display still has to
		// show what was running.
		_, err := ui.UpdateFrom(context.Background(), updates)
		return err
	}, err
}

// Send shows one update, e.g. the state of a download as a vertex of its own.
func (d *Display) Send(s *client.SolveStatus) {
	if d != nil {
		plainUpdate(s)
		d.status <- s
	}
}

// Close draws the last state, with the log of what failed.
func (d *Display) Close() error {
	if d == nil {
		return nil
	}
	close(d.status)
	return <-d.done
}

// forward shows an update of one solve. A step that several solves wait for
// reports to each of them, so the first that tells of it owns it.
func (d *Display) forward(solve string, s *client.SolveStatus) {
	if d != nil {
		d.Send(d.own(solve, s))
	}
}

func (d *Display) own(solve string, s *client.SolveStatus) *client.SolveStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	mine := func(vertex digest.Digest) bool {
		if _, ok := d.owner[vertex]; !ok {
			d.owner[vertex] = solve
		}
		return d.owner[vertex] == solve
	}
	return &client.SolveStatus{
		Vertexes: keep(s.Vertexes, func(v *client.Vertex) bool { return mine(v.Digest) }),
		Statuses: keep(s.Statuses, func(v *client.VertexStatus) bool { return mine(v.Vertex) }),
		Logs:     keep(s.Logs, func(l *client.VertexLog) bool { return mine(l.Vertex) }),
		Warnings: keep(s.Warnings, func(w *client.VertexWarning) bool { return mine(w.Vertex) }),
	}
}

func keep[T any](in []T, want func(T) bool) []T {
	var out []T
	for _, v := range in {
		if want(v) {
			out = append(out, v)
		}
	}
	return out
}
