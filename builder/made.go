package builder

import (
	"context"
	"errors"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	"github.com/rootbuild/rootbuild/stages"
)

// madeStage is the record of a stage that was built: of what, and how long that took.
type madeStage struct {
	Ingredients stages.Ingredients
	Step        digest.Digest // that collects
	Build       float64       // seconds of its steps, as last measured
	Collect     float64
}

// The records of stages are kept by target. anyTarget has the last of all: a
// new target tells by them how it differs from what was built before.
const (
	kindMade  = "made"
	anyTarget = ""
)

// madeRecords are records by the name of the stage.
type madeRecords struct{ target, any map[string]madeStage }

func (p planner) readRecords() (madeRecords, error) {
	r := madeRecords{map[string]madeStage{}, map[string]madeStage{}}
	_, err := p.state.Kept(kindMade, p.graph.Target.Name, &r.target)
	_, errAny := p.state.Kept(kindMade, anyTarget, &r.any)
	return r, errors.Join(err, errAny)
}

// of returns the record of a stage, the zero one if it was never built.
func (r madeRecords) of(name string) madeStage {
	if m, ok := r.target[name]; ok {
		return m
	}
	return r.any[name]
}

// remember records what the stages that are done by now were made of, so that
// plan can tell what changed since. Where nothing did it writes nothing.
func (b build) remember(ctx context.Context, base v1.Hash) error {
	p := planner{graph: b.graph, state: b.state, layout: b.layout, now: b.graph.Ingredients(base.String())}
	records, err := p.readRecords()
	if err != nil {
		return err
	}
	stale := records.stale(p.now)
	if len(stale) == 0 {
		return nil
	}
	changed := false
	p.outputs = b.graph.LLB(stages.Inputs{Store: sourceStore, Base: baseState(base)})
	for _, name := range stale {
		f, err := p.look(ctx, name)
		if err != nil {
			return err
		}
		if f.sorted {
			changed = true
			records.put(name, f.made(p.now[name], records.of(name)))
		}
	}
	if !changed {
		return nil
	}
	return errors.Join(
		b.state.Keep(kindMade, b.graph.Target.Name, records.target),
		b.state.Keep(kindMade, anyTarget, records.any))
}

// stale are the stages that are not recorded as they are now, sorted.
func (r madeRecords) stale(now map[string]stages.Ingredients) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(now)), func(name string) bool {
		m, ok := r.target[name]
		return ok && m.Ingredients.Digest() == now[name].Digest()
	})
}

func (r madeRecords) put(name string, m madeStage) {
	r.target[name], r.any[name] = m, m
}

// made is the record of a stage that is done. A time that nobody measured stays
// what it was.
func (f stepRecords) made(now stages.Ingredients, before madeStage) madeStage {
	m := madeStage{Ingredients: now, Step: f.step, Build: before.Build, Collect: before.Collect}
	if s := took(f.build); s > 0 {
		m.Build = s
	}
	if s := took(f.collect); s > 0 {
		m.Collect = s
	}
	return m
}
