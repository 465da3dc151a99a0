package history

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/report"
	"github.com/rootbuild/rootbuild/builder/state"
)

// stages tells of each stage how it came about, as the records have it.
func (r *reporter) stages(ctx context.Context) ([]report.Stage, error) {
	keys := r.graph.Keys()
	if base, err := v1.NewHash(r.base()); err == nil {
		r.outputs = r.graph.LLB(definition.Inputs(base))
		r.now = r.graph.Ingredients(base.String())
	}
	last, err := records.Stages{Graph: r.graph, State: r.state}.Made()
	if err != nil {
		return nil, err
	}
	inImage := map[string]bool{}
	for _, name := range r.graph.Contents() {
		inImage[name] = true
	}
	var list []report.Stage
	for _, recipe := range r.graph.Stages {
		s := report.Stage{
			Name: recipe.Name, Version: recipe.Version, Kind: string(recipe.Kind), InImage: inImage[recipe.Name],
			With: r.graph.Named(recipe.Name), Bound: r.graph.Implied(recipe.Name),
			After: append(r.graph.Tools(recipe.Name), r.graph.BuildClosure(recipe.Name)...),
		}
		if err := errors.Join(r.ran(ctx, last.Of(recipe.Name), &s), r.taken(keys[recipe.Name], &s)); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// ran adds the steps of a stage. Where this rootbuild would run others than those that
// were run, the record of what the stage was made of tells how long they took.
func (r *reporter) ran(ctx context.Context, last records.Made, s *report.Stage) error {
	if out, ok := r.outputs[s.Name]; ok {
		var err error
		if s.Build, err = r.step(ctx, out.Build); err != nil {
			return err
		}
		if s.Collect, err = r.step(ctx, out.Root); err != nil {
			return err
		}
	}
	if r.now == nil || last.Step == "" || last.Ingredients.Digest() != r.now[s.Name].Digest() {
		return nil
	}
	if s.Collect == nil {
		step, err := r.anyStep(last.Step)
		if err != nil {
			return err
		}
		s.Collect = step
	}
	if s.Build == nil && last.Build > 0 {
		s.Build = &report.Step{Seconds: last.Build}
	}
	if s.Collect == nil && last.Collect > 0 {
		s.Collect = &report.Step{Seconds: last.Collect}
	}
	return nil
}

func (r *reporter) step(ctx context.Context, s llb.State) (*report.Step, error) {
	head, err := definition.Head(ctx, s)
	if err != nil {
		return nil, err
	}
	return r.anyStep(head)
}

// anyStep is when a step ran last, wherever that was, nil where nobody noted it.
func (r *reporter) anyStep(step digest.Digest) (*report.Step, error) {
	last, known, err := r.state.LastStep(step)
	if !known || err != nil {
		return nil, err
	}
	return &report.Step{Started: last.Started, Completed: last.Completed, Seconds: records.Took(last), Run: last.Run, Builder: last.Builder}, nil
}

// taken adds where a stage was taken from.
func (r *reporter) taken(key string, s *report.Stage) error {
	var t records.Taken
	found, err := r.state.Kept(state.KindTaken, key, &t)
	if !found || err != nil {
		return err
	}
	s.Take = &report.Take{From: t.Package.From, Step: report.Step{Started: t.Started, Completed: t.Completed, Run: t.Run}}
	if !t.Started.IsZero() {
		s.Take.Seconds = t.Completed.Sub(t.Started).Seconds()
	}
	return nil
}
