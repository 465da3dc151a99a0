package main

import (
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
)

// fetchProgress shows downloads in the display of builds, one line a source.
type fetchProgress struct {
	display *engine.Display
	started map[string]time.Time
}

func newFetchProgress(d *engine.Display) *fetchProgress {
	return &fetchProgress{display: d, started: map[string]time.Time{}}
}

// show translates one event. distfiles calls it one event at a time.
func (p *fetchProgress) show(e distfiles.Event) {
	now := time.Now()
	if _, ok := p.started[e.Source]; !ok {
		p.started[e.Source] = now
	}
	started := p.started[e.Source]
	vertex := client.Vertex{Digest: digest.FromString("fetch " + e.Source), Name: "fetch " + e.Source, Started: &started}
	update := &client.SolveStatus{Vertexes: []*client.Vertex{&vertex}}
	switch {
	case e.State == distfiles.Done || e.State == distfiles.Cached:
		vertex.Completed, vertex.Cached = &now, e.State == distfiles.Cached
	case e.State == distfiles.Failed && e.Origin == "":
		vertex.Completed, vertex.Error = &now, e.Err.Error()
	case e.State == distfiles.Failed:
		update.Logs = []*client.VertexLog{{Vertex: vertex.Digest, Stream: 2, Data: []byte(e.Err.Error() + "\n"), Timestamp: now}}
	case e.Origin != "":
		update.Statuses = []*client.VertexStatus{{
			ID: e.Origin, Vertex: vertex.Digest, Name: e.Origin,
			Current: e.Done, Total: e.Total, Timestamp: now, Started: &started,
		}}
	}
	p.display.Send(update)
}
