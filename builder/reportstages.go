package builder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/report"
	"github.com/rootbuild/rootbuild/stages"
)

// stages tells of each stage how it came about, as the records have it.
func (r *reporter) stages(ctx context.Context) ([]report.Stage, error) {
	p := planner{graph: r.graph, state: r.state, layout: r.layout}
	keys := r.graph.Keys()
	if base, err := v1.NewHash(r.base()); err == nil {
		p.outputs = r.graph.LLB(stages.Inputs{Store: sourceStore, Base: baseState(base)})
		p.now = r.graph.Ingredients(base.String())
	}
	records, err := p.readRecords()
	if err != nil {
		return nil, err
	}
	inImage := map[string]bool{}
	for _, name := range r.graph.Packages {
		inImage[name] = true
	}
	var list []report.Stage
	for _, recipe := range r.graph.Stages {
		s := report.Stage{
			Name: recipe.Name, Version: recipe.Version, Kind: string(recipe.Kind), InImage: inImage[recipe.Name],
			With: r.graph.Named(recipe.Name), Bound: r.graph.Implied(recipe.Name),
			After: append(r.graph.Tools(recipe.Name), r.graph.BuildClosure(recipe.Name)...),
		}
		if err := errors.Join(r.ran(ctx, p, records, &s), r.taken(keys[recipe.Name], &s)); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// ran adds the steps of a stage. Where this rootbuild would run others than those that
// were run, the record of what the stage was made of tells how long they took.
func (r *reporter) ran(ctx context.Context, p planner, records madeRecords, s *report.Stage) error {
	if out, ok := p.outputs[s.Name]; ok {
		var err error
		if s.Build, err = r.step(ctx, out.Build); err != nil {
			return err
		}
		if s.Collect, err = r.step(ctx, out.Root); err != nil {
			return err
		}
	}
	before, now := records.of(s.Name), p.now[s.Name]
	if p.now == nil || before.Step == "" || before.Ingredients.Digest() != now.Digest() {
		return nil
	}
	if s.Collect == nil {
		step, err := r.state.anyStep(before.Step)
		if err != nil {
			return err
		}
		s.Collect = step
	}
	if s.Build == nil && before.Build > 0 {
		s.Build = &report.Step{Seconds: before.Build}
	}
	if s.Collect == nil && before.Collect > 0 {
		s.Collect = &report.Step{Seconds: before.Collect}
	}
	return nil
}

func (r *reporter) step(ctx context.Context, s llb.State) (*report.Step, error) {
	head, _, _, err := stepOf(ctx, r.state, s)
	if err != nil {
		return nil, err
	}
	return r.state.anyStep(head)
}

// anyStep is when a step ran last, wherever that was, nil where nobody noted it.
func (s *State) anyStep(step digest.Digest) (*report.Step, error) {
	kinds, err := os.ReadDir(filepath.Join(s.dir, "records"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var last *report.Step
	for _, k := range kinds {
		kind := k.Name()
		if kind != kindSteps && !strings.HasPrefix(kind, kindSteps+"-") {
			continue
		}
		var r Step
		found, err := s.readRecord(kind, step, &r)
		if err != nil {
			return nil, err
		}
		if !found || r.Cached || last != nil && !r.Completed.After(last.Completed) {
			continue
		}
		last = &report.Step{Started: r.Started, Completed: r.Completed, Seconds: took(r), Run: r.Run, Builder: r.Builder}
		if kind == kindSteps {
			last.Builder = engine.Builder{}.String()
		}
	}
	return last, nil
}

// taken adds where a stage was taken from.
func (r *reporter) taken(key string, s *report.Stage) error {
	var t taken
	found, err := r.state.Kept(kindTaken, key, &t)
	if !found || err != nil {
		return err
	}
	s.Take = &report.Take{From: t.Package.From, Step: report.Step{Started: t.Started, Completed: t.Completed, Run: t.Run}}
	if !t.Started.IsZero() {
		s.Take.Seconds = t.Completed.Sub(t.Started).Seconds()
	}
	return nil
}
