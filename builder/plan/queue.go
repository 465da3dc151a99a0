package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rootbuild/rootbuild/stages"
)

// unknownSeconds is what a stage is expected to take that nobody measured.
const unknownSeconds = 60

// work is a stage that has to be built.
type work struct {
	name    string
	needs   []string // stages of the same list that have to be done before
	seconds float64  // that it is expected to take
}

// Queue gives out the stages of a build: each once all that it needs is done, and of
// those that may begin the one with the longest chain of stages before the end.
type Queue struct {
	chain map[string]float64  // seconds from the begin of a stage to the end of its chain
	waits map[string]int      // how many of its needs are not done
	after map[string][]string // the stages that need it
	place map[string]int      // in the list, which decides between equals
	ready []string            // the next one first
}

// QueueOf is that of stages of a graph, which are expected to take so many seconds.
func QueueOf(g stages.Graph, names []string, seconds map[string]float64) *Queue {
	return newQueue(workOf(g, names, seconds))
}

// newQueue takes a list in which each stage comes after those that it needs.
func newQueue(list []work) *Queue {
	q := &Queue{chain: map[string]float64{}, waits: map[string]int{}, after: map[string][]string{}, place: map[string]int{}}
	for i, w := range list {
		q.place[w.name], q.waits[w.name] = i, len(w.needs)
		for _, need := range w.needs {
			q.after[need] = append(q.after[need], w.name)
		}
	}
	for _, w := range slices.Backward(list) {
		for _, next := range q.after[w.name] {
			q.chain[w.name] = max(q.chain[w.name], q.chain[next])
		}
		q.chain[w.name] += w.seconds
	}
	for _, w := range list {
		if len(w.needs) == 0 {
			q.Put(w.name)
		}
	}
	return q
}

// Put makes a stage ready, or ready again.
func (q *Queue) Put(name string) {
	at, _ := slices.BinarySearchFunc(q.ready, name, q.compare)
	q.ready = slices.Insert(q.ready, at, name)
}

func (q *Queue) compare(a, b string) int {
	return cmp.Or(cmp.Compare(q.chain[b], q.chain[a]), cmp.Compare(q.place[a], q.place[b]))
}

// Take returns the next stage, and whether there is one that may begin.
func (q *Queue) Take() (string, bool) {
	if len(q.ready) == 0 {
		return "", false
	}
	name := q.ready[0]
	q.ready = q.ready[1:]
	return name, true
}

// Done makes ready what waited for a stage alone.
func (q *Queue) Done(name string) {
	for _, next := range q.after[name] {
		if q.waits[next]--; q.waits[next] == 0 {
			q.Put(next)
		}
	}
}

// longest returns the chain of stages that takes longest, the first first, and its
// seconds. No number of builders makes a build shorter.
func (q *Queue) longest() (chain []string, seconds float64) {
	begin := slices.Collect(maps.Keys(q.place))
	for len(begin) > 0 {
		next := slices.MinFunc(begin, q.compare)
		seconds = max(seconds, q.chain[next])
		chain = append(chain, next)
		begin = q.after[next]
	}
	return chain, seconds
}
