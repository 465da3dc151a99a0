package builder

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/engine"
)

// witness notes what happens in one run, and not in those before.
type witness struct {
	invocation string
	started    time.Time

	mu    sync.Mutex
	about []engine.About         // the engines that were started, each kind and version once
	ran   map[digest.Digest]bool // steps that ran, and were in no cache
}

func newWitness() *witness {
	return &witness{invocation: rand.Text(), started: time.Now(), ran: map[digest.Digest]bool{}}
}

// watch notes what an engine does.
func (w *witness) watch(e Engine) Engine {
	w.mu.Lock()
	defer w.mu.Unlock()
	if about := e.About(); !slices.Contains(w.about, about) {
		w.about = append(w.about, about)
	}
	return watched{e, w}
}

type watched struct {
	Engine
	by *witness
}

// Build implements Engine.
func (e watched) Build(ctx context.Context, jobs []engine.Job, w engine.Watch) error {
	tell := w.Step
	w.Step = func(s engine.Step) error {
		e.by.note(s)
		if tell == nil {
			return nil
		}
		return tell(s)
	}
	return e.Engine.Build(ctx, jobs, w)
}

// note notes a step that ran.
func (w *witness) note(s engine.Step) {
	if s.Cached {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran[s.Digest] = true
}

// saw says whether the step that makes a state ran.
func (w *witness) saw(ctx context.Context, name string, s llb.State) (bool, error) {
	def, err := marshal(ctx, name, s)
	if err != nil {
		return false, err
	}
	head, err := def.Head()
	return w.ran[head], err
}
