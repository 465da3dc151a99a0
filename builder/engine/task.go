package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Task is work outside BuildKit that shows in the display like a step: what is
// written to it is its log.
type Task struct {
	display *Display
	vertex  client.Vertex

	mu      sync.Mutex
	started map[string]time.Time // of bars
}

// Task starts one. End it with Done.
func (d *Display) Task(name string) *Task {
	now := time.Now()
	t := &Task{display: d, started: map[string]time.Time{}}
	t.vertex = client.Vertex{Digest: digest.FromString("task " + name), Name: name, Started: &now}
	t.send(client.SolveStatus{})
	return t
}

// Write adds to the task's log. It never fails.
func (t *Task) Write(p []byte) (int, error) {
	t.send(client.SolveStatus{Logs: []*client.VertexLog{{
		Vertex: t.vertex.Digest, Stream: 2, Data: append([]byte(nil), p...), Timestamp: time.Now(),
	}}})
	return len(p), nil
}

// Bar shows how much of an object has moved, in bytes; a total of 0 is not known.
func (t *Task) Bar(object string, done, total int64) {
	now := time.Now()
	bar := client.VertexStatus{
		ID: object, Vertex: t.vertex.Digest, Name: object,
		Current: done, Total: total, Timestamp: now, Started: t.since(object, now),
	}
	if done == total {
		bar.Completed = &now
	}
	t.send(client.SolveStatus{Statuses: []*client.VertexStatus{&bar}})
}

func (t *Task) since(object string, now time.Time) *time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.started[object]; !ok {
		t.started[object] = now
	}
	started := t.started[object]
	return &started
}

// Done ends the task; err says whether it failed. Why is not shown: whoever gets the
// error tells it, once.
func (t *Task) Done(err error) {
	switch {
	case errors.Is(err, context.Canceled):
		t.vertex.Error = context.Canceled.Error() // which the display knows
	case err != nil:
		t.vertex.Error = "failed, for the reason below"
	}
	t.end()
}

// Cached ends a task for which there was nothing to do.
func (t *Task) Cached() {
	t.vertex.Cached = true
	t.end()
}

func (t *Task) end() {
	now := time.Now()
	t.vertex.Completed = &now
	t.send(client.SolveStatus{})
}

func (t *Task) send(s client.SolveStatus) {
	vertex := t.vertex
	s.Vertexes = []*client.Vertex{&vertex}
	t.display.Send(&s)
}
