package engine

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Step is one step of a build that is done.
type Step struct {
	// Digest is that of the step's LLB.
	Digest digest.Digest `json:"-"`
	// Name is the step's name in the display, e.g. "package bash 5.2.37".
	Name      string    `json:"name"`
	Started   time.Time `json:"started"`
	Completed time.Time `json:"completed"`
	// Cached: nothing ran, and the times are those of a look into the cache.
	Cached bool `json:"cached,omitempty"`
}

// stepLog tells of each step once, however many solves report it.
type stepLog struct {
	tell    func(Step) error // nil: nobody wants to know
	mu      sync.Mutex
	seen    map[digest.Digest]bool
	running map[digest.Digest]string // their names
}

func newStepLog(tell func(Step) error) *stepLog {
	return &stepLog{tell: tell, seen: map[digest.Digest]bool{}, running: map[digest.Digest]string{}}
}

// names are those of the steps that started and did not end, sorted.
func (l *stepLog) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Values(l.running))
}

// add tells of the steps that an update reports as done.
func (l *stepLog) add(vertexes []*client.Vertex) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range vertexes {
		if v.Started != nil && v.Completed == nil {
			l.running[v.Digest] = v.Name
			continue
		}
		if v.Error == "" {
			delete(l.running, v.Digest)
		}
		if l.tell == nil || v.Started == nil || v.Error != "" || l.seen[v.Digest] {
			continue
		}
		l.seen[v.Digest] = true
		if err := l.tell(Step{Digest: v.Digest, Name: v.Name, Started: *v.Started, Completed: *v.Completed, Cached: v.Cached}); err != nil {
			return err
		}
	}
	return nil
}
