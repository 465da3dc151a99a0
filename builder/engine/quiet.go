package engine

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// quietTail is how much of a failed step's log the quiet display shows.
const quietTail = 8 << 10

// quiet shows nothing but the end of the log of a step that failed.
type quiet struct {
	w    io.Writer
	logs map[digest.Digest][]byte
}

func (q quiet) run(updates chan *client.SolveStatus) error {
	var failed error
	for s := range updates {
		for _, l := range s.Logs {
			q.logs[l.Vertex] = tail(append(q.logs[l.Vertex], l.Data...))
		}
		for _, v := range s.Vertexes {
			if v.Completed == nil {
				continue
			}
			if err := q.show(v); err != nil {
				failed = err
			}
			delete(q.logs, v.Digest)
		}
	}
	return failed
}

func (q quiet) show(v *client.Vertex) error {
	// Others end as cancelled when one fails.
	if v.Error == "" || len(q.logs[v.Digest]) == 0 || strings.HasSuffix(v.Error, context.Canceled.Error()) {
		return nil
	}
	_, err := fmt.Fprintf(q.w, "%s:\n%s", v.Name, q.logs[v.Digest])
	return err
}

func tail(log []byte) []byte {
	if over := len(log) - quietTail; over > 0 {
		return log[over:]
	}
	return log
}
