package builder

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Step is the record of one step that was done: when, and under what name.
type Step struct {
	Name      string    `json:"name"`
	Started   time.Time `json:"started"`
	Completed time.Time `json:"completed"`
	// Cached: nothing ran, and the times are those of a look into the cache.
	Cached bool `json:"cached,omitempty"`
}

// Step returns the record of the step whose LLB has the given digest, and
// whether there is one. Without BuildKit's cache the steps are still to do.
func (s *State) Step(step digest.Digest) (Step, bool, error) {
	var r Step
	if _, err := os.Stat(filepath.Join(s.BuildKit(), cacheFile)); err != nil {
		return r, false, nil
	}
	found, err := s.readRecord("steps", step, &r)
	return r, found, err
}

// stepLog records each step once, however many solves tell of it.
type stepLog struct {
	state *State
	mu    sync.Mutex
	seen  map[digest.Digest]bool
}

// add records the steps that an update tells done. One that BuildKit found in
// its cache keeps the times of the run that did it, where they are known.
func (l *stepLog) add(vertexes []*client.Vertex) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range vertexes {
		if v.Started == nil || v.Completed == nil || v.Error != "" || l.seen[v.Digest] {
			continue
		}
		if l.seen == nil {
			l.seen = map[digest.Digest]bool{}
		}
		l.seen[v.Digest] = true
		if v.Cached {
			if _, known, err := l.state.Step(v.Digest); known || err != nil {
				return err
			}
		}
		if err := l.state.writeRecord("steps", v.Digest, Step{v.Name, *v.Started, *v.Completed, v.Cached}); err != nil {
			return err
		}
	}
	return nil
}
