package records

import (
	"context"
	"errors"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/stages"
)

// Made is the record of a stage that was built: of what, and how long that took.
type Made struct {
	Ingredients stages.Ingredients
	Step        digest.Digest // that collects
	Build       float64       // seconds of its steps, as last measured
	Collect     float64
}

// AnyTarget has the records of the last of all stages, in place of a target's: a new
// target tells by them how it differs from what was built before.
const AnyTarget = ""

// MadeStages are records by the name of the stage.
type MadeStages struct{ target, any map[string]Made }

// Made reads of what the stages were built last.
func (s Stages) Made() (MadeStages, error) {
	r := MadeStages{map[string]Made{}, map[string]Made{}}
	_, err := s.State.Kept(state.KindMade, s.Graph.Target.Name, &r.target)
	_, errAny := s.State.Kept(state.KindMade, AnyTarget, &r.any)
	return r, errors.Join(err, errAny)
}

// Of returns the record of a stage, the zero one if it was never built.
func (r MadeStages) Of(name string) Made {
	if m, ok := r.target[name]; ok {
		return m
	}
	return r.any[name]
}

// Remember records what the stages that are done by now were made of, so that
// plan can tell what changed since. Where nothing did it writes nothing.
func (s Stages) Remember(ctx context.Context, base v1.Hash) error {
	now := s.Graph.Ingredients(base.String())
	records, err := s.Made()
	if err != nil {
		return err
	}
	stale := records.stale(now)
	if len(stale) == 0 {
		return nil
	}
	changed := false
	s.Outputs = s.Graph.LLB(definition.Inputs(base))
	for _, name := range stale {
		f, err := s.Look(ctx, name)
		if err != nil {
			return err
		}
		if f.Sorted {
			changed = true
			records.put(name, f.made(now[name], records.Of(name)))
		}
	}
	if !changed {
		return nil
	}
	return errors.Join(
		s.State.Keep(state.KindMade, s.Graph.Target.Name, records.target),
		s.State.Keep(state.KindMade, AnyTarget, records.any))
}

// stale are the stages that are not recorded as they are now, sorted.
func (r MadeStages) stale(now map[string]stages.Ingredients) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(now)), func(name string) bool {
		m, ok := r.target[name]
		return ok && m.Ingredients.Digest() == now[name].Digest()
	})
}

func (r MadeStages) put(name string, m Made) {
	r.target[name], r.any[name] = m, m
}

// made is the record of a stage that is done. A time that nobody measured stays
// what it was.
func (f Steps) made(now stages.Ingredients, before Made) Made {
	m := Made{Ingredients: now, Step: f.Step, Build: before.Build, Collect: before.Collect}
	if s := Took(f.Build); s > 0 {
		m.Build = s
	}
	if s := Took(f.Collect); s > 0 {
		m.Collect = s
	}
	return m
}

// Seconds are what stages took before, in both of their steps; those that nobody
// measured are left out.
func (s Stages) Seconds() (map[string]float64, error) {
	records, err := s.Made()
	if err != nil {
		return nil, err
	}
	seconds := map[string]float64{}
	for _, r := range s.Graph.Stages {
		if m := records.Of(r.Name); m.Build > 0 {
			seconds[r.Name] = m.Build + m.Collect
		}
	}
	return seconds, nil
}
