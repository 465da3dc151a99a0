package builder

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Causes that lie in the records, not in the graph.
const (
	causeNever stages.CauseKind = "never built"
	causeLost  stages.CauseKind = "BuildKit's cache was pruned or is gone"
)

// planner looks up what a build of a graph would do.
type planner struct {
	graph   stages.Graph
	state   *State
	layout  *oci.Layout
	outputs map[string]stages.Outputs // none without a base
	now     map[string]stages.Ingredients
	offers  offers
	offered map[string]packages.Package // what places say of packages that would be taken
}

// stepRecords are what the records know of the two steps of a stage.
type stepRecords struct {
	step           digest.Digest // that collects
	build, collect Step
	built, sorted  bool // the step was done, and BuildKit has its result
}

func (p planner) plan(ctx context.Context) ([]PlannedStage, error) {
	records, err := p.readRecords()
	if err != nil {
		return nil, err
	}
	known, needed := map[string]stepRecords{}, map[string]bool{}
	list := make([]PlannedStage, len(p.graph.Stages))
	// Backwards: a stage is needed if one that is built with it has to be built.
	for i, r := range slices.Backward(p.graph.Stages) {
		f, err := p.look(ctx, r.Name)
		if err != nil {
			return nil, err
		}
		known[r.Name] = f
		layer, err := p.inImage(ctx, r.Name)
		if err != nil {
			return nil, err
		}
		needed[r.Name] = needed[r.Name] || layer == layerMissing
		list[i] = p.stage(r, f, needed[r.Name])
		if err := p.elsewhere(ctx, &list[i]); err != nil {
			return nil, err
		}
		for _, name := range p.neededBy(r, list[i].Action) {
			needed[name] = true
		}
	}
	for i, r := range p.graph.Stages {
		p.explain(&list[i], known[r.Name], records.of(r.Name))
	}
	p.weigh(list)
	return list, nil
}

// inImage says whether the image has a layer of a stage, and whether it is made.
func (p planner) inImage(ctx context.Context, name string) (layerState, error) {
	if !slices.Contains(p.graph.Packages, name) {
		return layerNone, nil
	}
	if p.outputs == nil {
		return layerMissing, nil
	}
	def, err := p.outputs[name].Root.Marshal(ctx)
	if err != nil {
		return layerNone, fmt.Errorf("internal error: marshalling %s: %w", name, err)
	}
	made, err := p.state.HasLayer(p.layout, def)
	if made || err != nil {
		return layerMade, err
	}
	return layerMissing, nil
}

type layerState int

const (
	layerNone layerState = iota // the stage is no package of the image
	layerMade
	layerMissing
)

// look reads the records of a stage's steps.
func (p planner) look(ctx context.Context, name string) (stepRecords, error) {
	out, ok := p.outputs[name]
	if !ok {
		return stepRecords{}, nil
	}
	var f stepRecords
	var err error
	if _, f.build, f.built, err = stepOf(ctx, p.state, out.Build); err != nil {
		return f, err
	}
	f.step, f.collect, f.sorted, err = stepOf(ctx, p.state, out.Root)
	f.built = f.built && !f.build.Lost
	f.sorted = f.sorted && !f.collect.Lost
	if err == nil && len(p.state.several) > 0 {
		err = p.lookHere(ctx, out, &f)
	}
	return f, err
}

// stage says what becomes of a stage that is needed or not.
func (p planner) stage(r stages.Recipe, f stepRecords, needed bool) PlannedStage {
	s := PlannedStage{Kind: r.Kind, Name: r.Name, Version: r.Version, Action: ActionBuild}
	switch {
	case !needed || f.sorted:
		s.Action = ActionCached
	case f.built:
		s.Action = ActionCollect
	}
	return s
}

// elsewhere has a stage taken that would be built, if a place has it. Whether it is
// trusted shows when it is taken.
func (p planner) elsewhere(ctx context.Context, s *PlannedStage) error {
	if s.Action != ActionBuild {
		return nil
	}
	pkg, found, err := p.offer(ctx, s.Name)
	if found {
		s.Action, s.From = ActionTake, pkg.From
	}
	return err
}

// offer returns the package of a stage that would be taken, if a place has one.
func (p planner) offer(ctx context.Context, name string) (packages.Package, bool, error) {
	if pkg, asked := p.offered[name]; asked {
		return pkg, pkg.From != "", nil
	}
	p.offered[name] = packages.Package{}
	for o, err := range p.offers.of(ctx, name) {
		if err != nil {
			return packages.Package{}, false, err
		}
		p.offered[name] = o.says
		return o.says, true, nil
	}
	return packages.Package{}, false, nil
}

// layer tells the layer of an output that would be taken, or that was made here.
func (p planner) layer(ctx context.Context, n need) (packages.Layer, bool, error) {
	pkg, found, err := p.offer(ctx, n.stage)
	if found || err != nil {
		return pkg.Layers[n.output], err == nil && pkg.Layers != nil, err
	}
	if p.outputs == nil {
		return packages.Layer{}, false, nil
	}
	l, kept, err := p.state.kept(ctx, p.layout, p.outputs[n.stage], n.output)
	return packedLayer(n.output, l), kept, err
}

// weigh adds to the stages that are taken how much of them is: the root, and what is
// needed to build others.
func (p planner) weigh(list []PlannedStage) {
	wanted := map[need]bool{}
	for _, s := range list {
		switch s.Action {
		case ActionTake:
			wanted[need{s.Name, packages.Root}] = true
		case ActionBuild:
			for _, n := range needs(p.graph, s.Name) {
				wanted[n] = true
			}
		}
	}
	for i, s := range list {
		if s.Action != ActionTake {
			continue
		}
		for o, l := range p.offered[s.Name].Layers {
			if wanted[need{s.Name, o}] {
				list[i].Bytes += l.Size
			}
		}
	}
}

// neededBy are the stages whose outputs an action on a stage reads.
func (p planner) neededBy(r stages.Recipe, a Action) []string {
	switch a {
	case ActionBuild:
		return append(p.graph.Tools(r.Name), p.graph.BuildClosure(r.Name)...)
	case ActionCollect:
		return p.graph.Tools(r.Name)
	}
	return nil
}

// explain adds to a planned stage why, and how long it took before.
func (p planner) explain(s *PlannedStage, f stepRecords, before madeStage) {
	build, collect := cmp.Or(took(f.build), before.Build), cmp.Or(took(f.collect), before.Collect)
	switch s.Action {
	case ActionTake:
		return
	case ActionCached:
		s.Seconds = took(f.build)
		return
	case ActionBuild:
		s.Seconds = build
	}
	if s.Seconds > 0 || s.Action == ActionCollect {
		s.Seconds += collect
	}
	s.Causes = p.causes(s.Name, f, before)
}

func (p planner) causes(name string, f stepRecords, before madeStage) []stages.Cause {
	lost := []stages.Cause{{Kind: causeLost}}
	now, based := p.now[name]
	switch {
	case f.collect.Lost: // it was built just so
		return lost
	case before.Step == "":
		return []stages.Cause{{Kind: causeNever}}
	case !based: // a new base will be another one
		return []stages.Cause{{Kind: stages.CauseBase}}
	}
	changes := p.graph.Changes(name, before.Ingredients, now)
	switch {
	case f.build.Lost:
		return append(changes, lost...)
	case len(changes) > 0:
		return changes
	case before.Step == f.step:
		return lost
	}
	return []stages.Cause{{Kind: stages.CauseRootbuild}}
}

// took is how many seconds a step ran, 0 if that is not known.
func took(s Step) float64 {
	if s.Cached {
		return 0
	}
	return s.Completed.Sub(s.Started).Seconds()
}

// stepOf returns the step that makes a state with its record, and whether there
// is one.
func stepOf(ctx context.Context, state *State, s llb.State) (digest.Digest, Step, bool, error) {
	head, err := headOf(ctx, s)
	if err != nil {
		return "", Step{}, false, err
	}
	step, done, err := state.Step(head)
	return head, step, done, err
}

// headOf returns the step that makes a state.
func headOf(ctx context.Context, s llb.State) (digest.Digest, error) {
	def, err := s.Marshal(ctx)
	if err != nil {
		return "", fmt.Errorf("internal error: marshalling a stage: %w", err)
	}
	head, err := def.Head()
	if err != nil {
		return "", fmt.Errorf("internal error: marshalling a stage: %w", err)
	}
	return head, nil
}
