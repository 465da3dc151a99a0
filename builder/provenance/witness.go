package provenance

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
)

// Witness notes what happens in one run, and not in those before.
type Witness struct {
	invocation string
	started    time.Time

	mu    sync.Mutex
	about []engine.About         // the engines that were started, each kind and version once
	ran   map[digest.Digest]bool // steps that ran, and were in no cache
}

// NewWitness is of a run that begins now.
func NewWitness() *Witness {
	return &Witness{invocation: rand.Text(), started: time.Now(), ran: map[digest.Digest]bool{}}
}

// Watch notes what an engine does.
func (w *Witness) Watch(e pack.Engine) pack.Engine {
	w.mu.Lock()
	defer w.mu.Unlock()
	if about := e.About(); !slices.Contains(w.about, about) {
		w.about = append(w.about, about)
	}
	return watched{e, w}
}

type watched struct {
	pack.Engine
	by *Witness
}

// Build implements Engine.
func (e watched) Build(ctx context.Context, jobs []engine.Job, w engine.Watch) error {
	tell := w.Step
	w.Step = func(s engine.Step) error {
		e.by.Note(s)
		if tell == nil {
			return nil
		}
		return tell(s)
	}
	return e.Engine.Build(ctx, jobs, w)
}

// Note notes a step that ran.
func (w *Witness) Note(s engine.Step) {
	if s.Cached {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran[s.Digest] = true
}

// saw says whether the step that makes a state ran.
func (w *Witness) saw(ctx context.Context, name string, s llb.State) (bool, error) {
	def, err := definition.Of(ctx, name, s)
	if err != nil {
		return false, err
	}
	head, err := def.Head()
	return w.ran[head], err
}
