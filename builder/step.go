package builder

import (
	"errors"
	"fmt"
	"io/fs"
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
	// Lost: BuildKit pruned its cache since it last had the step's result, or
	// the cache is gone. It may have to do the step again.
	Lost bool `json:"-"`
}

// Step returns the record of the step whose LLB has the given digest, and
// whether there is one.
func (s *State) Step(step digest.Digest) (Step, bool, error) {
	var r Step
	found, err := s.readRecord("steps", step, &r)
	if !found || err != nil {
		return r, false, err
	}
	r.Lost, err = s.lost(s.recordPath("steps", step))
	return r, err == nil, err
}

// lost says whether BuildKit may have dropped the result that a record is of,
// since it last told that it has it. That time is the record file's own.
func (s *State) lost(record string) (bool, error) {
	if _, err := os.Stat(filepath.Join(s.BuildKit(), cacheFile)); err != nil {
		return true, nil
	}
	pruned, err := os.Stat(prunedFile(s.BuildKit()))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("reading when BuildKit's cache was pruned: %w", err)
	}
	seen, err := os.Stat(record)
	if err != nil {
		return true, fmt.Errorf("reading record: %w", err)
	}
	return !seen.ModTime().After(pruned.ModTime()), nil
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
		if err := l.record(v); err != nil {
			return err
		}
	}
	return nil
}

func (l *stepLog) record(v *client.Vertex) error {
	if v.Cached {
		_, known, err := l.state.Step(v.Digest)
		if err != nil {
			return err
		}
		if known {
			now := time.Now()
			return os.Chtimes(l.state.recordPath("steps", v.Digest), now, now)
		}
	}
	return l.state.writeRecord("steps", v.Digest, Step{Name: v.Name, Started: *v.Started, Completed: *v.Completed, Cached: v.Cached})
}
