package engine

import (
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Task is work outside BuildKit that shows in the display like a step: what is
// written to it is its log.
type Task struct {
	display *Display
	vertex  client.Vertex
}

// Task starts one. End it with Done.
func (d *Display) Task(name string) *Task {
	now := time.Now()
	t := &Task{display: d, vertex: client.Vertex{Digest: digest.FromString("task " + name), Name: name, Started: &now}}
	t.send(nil)
	return t
}

// Write adds to the task's log. It never fails.
func (t *Task) Write(p []byte) (int, error) {
	t.send([]*client.VertexLog{{Vertex: t.vertex.Digest, Stream: 2, Data: append([]byte(nil), p...), Timestamp: time.Now()}})
	return len(p), nil
}

// Done ends the task; err says whether and why it failed.
func (t *Task) Done(err error) {
	now := time.Now()
	t.vertex.Completed = &now
	if err != nil {
		t.vertex.Error = err.Error()
	}
	t.send(nil)
}

func (t *Task) send(logs []*client.VertexLog) {
	vertex := t.vertex
	t.display.Send(&client.SolveStatus{Vertexes: []*client.Vertex{&vertex}, Logs: logs})
}
