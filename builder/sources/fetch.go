// Package sources brings the sources of a graph into a state directory, and from there
// to a directory or a registry; and a kernel, for hosts that have none to boot with.
package sources

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/stages"
)

// From says where sources may come from, before the origins that recipes name.
// The zero value asks those alone.
type From struct {
	// Dirs are directories that are looked in first.
	Dirs []string
	// Archive is the base URL of a Debian archive, in place of those that the host's
	// apt is configured for. The default base is made from it too.
	Archive string
	// Registries hold what Push sent. They are asked before the origins.
	Registries []oci.Reference
	// Registry says how these are spoken to.
	Registry registry.Options
	// Hosts may be asked for the sources of an image that is reproduced, beside those
	// that the recipes of this program name.
	Hosts []string
	// Offline forbids the network: what is missing is an error that names it.
	Offline bool
}

// Fetch brings what the state lacks of a graph's sources into it, and shows that in
// display, which may be nil.
func Fetch(ctx context.Context, in *state.State, graph stages.Graph, from From, display *engine.Display) error {
	store, err := distfiles.Open(in.Distfiles())
	if err != nil {
		return err
	}
	if err := fetch(ctx, store, Of(graph), from, nil, display); err != nil {
		return fmt.Errorf("fetching the sources of %s: %w", graph.Target.Name, err)
	}
	return nil
}

// FetchForeign is Fetch for a graph that somebody else's image has. Of the hosts that
// it names those are asked that the recipes of this program name too, or the user: the
// host that builds may reach what who made the image does not.
func FetchForeign(ctx context.Context, in *state.State, graph stages.Graph, from From, display *engine.Display) error {
	store, err := distfiles.Open(in.Distfiles())
	if err != nil {
		return err
	}
	hosts, err := stages.Hosts()
	if err != nil {
		return err
	}
	hosts = append(hosts, from.Hosts...)
	if err := fetch(ctx, store, Of(graph), from, hosts, display); err != nil {
		return fmt.Errorf("fetching the sources of %s: %w", graph.Target.Name, err)
	}
	return nil
}

// fetch brings those of sources that the store lacks.
func fetch(ctx context.Context, store *distfiles.Store, sources []distfiles.Source, from From, hosts []string, display *engine.Display) error {
	missing := store.Missing(sources)
	if len(missing) == 0 {
		return nil
	}
	blobs, err := from.blobs(store)
	if err != nil {
		return err
	}
	progress := fetchProgress{display, map[string]*engine.Task{}}
	return store.Fetch(ctx, missing, distfiles.FetchOptions{
		Dirs: from.Dirs, Blobs: blobs, Hosts: hosts, Offline: from.Offline, Mirror: from.Archive, Progress: progress.show,
	})
}

// Of are all sources of a graph.
func Of(g stages.Graph) []distfiles.Source {
	var list []distfiles.Source
	for _, r := range g.Stages {
		for _, s := range r.Sources {
			source := distfiles.Source{Name: s.Name, SHA256: s.SHA256}
			for _, o := range s.Origins {
				source.Origins = append(source.Origins, distfiles.Origin(o))
			}
			list = append(list, source)
		}
	}
	return list
}

// fetchProgress shows downloads, a task a source.
type fetchProgress struct {
	display *engine.Display
	tasks   map[string]*engine.Task
}

// show translates one event. distfiles calls it one event at a time.
func (p fetchProgress) show(e distfiles.Event) {
	task, ok := p.tasks[e.Source]
	if !ok {
		task = p.display.Task("fetch " + e.Source)
		p.tasks[e.Source] = task
	}
	switch {
	case e.State == distfiles.Cached:
		task.Cached()
	case e.State == distfiles.Done:
		task.Done(nil)
	case e.State == distfiles.Failed && e.Origin == "":
		task.Done(e.Err)
	case e.State == distfiles.Failed:
		fmt.Fprintln(task, e.Err)
	case e.Origin != "":
		task.Bar(e.Origin, e.Done, e.Total)
	}
}
