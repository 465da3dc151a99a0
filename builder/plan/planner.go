package plan

import (
	"cmp"
	"context"
	"slices"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/stages"
)

// Causes that lie in the records, not in the graph.
const (
	causeNever stages.CauseKind = "never built"
	causeLost  stages.CauseKind = "BuildKit's cache was pruned or is gone"
)

// planner looks up what a build of a graph would do.
type planner struct {
	records.Stages
	now     map[string]stages.Ingredients
	offers  Offers
	offered map[string]packages.Package // what places say of packages that would be taken
}

func (p planner) plan(ctx context.Context) ([]Stage, error) {
	before, err := p.Made()
	if err != nil {
		return nil, err
	}
	known, needed := map[string]records.Steps{}, map[string]bool{}
	list := make([]Stage, len(p.Graph.Stages))
	// Backwards: a stage is needed if one that is built with it has to be built.
	for i, r := range slices.Backward(p.Graph.Stages) {
		f, err := p.Look(ctx, r.Name)
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
	for i, r := range p.Graph.Stages {
		p.explain(&list[i], known[r.Name], before.Of(r.Name))
	}
	p.weigh(list)
	return list, nil
}

// inImage says whether the image has a layer of a stage, and whether it is made.
func (p planner) inImage(ctx context.Context, name string) (layerState, error) {
	if !slices.Contains(p.Graph.Contents(), name) {
		return layerNone, nil
	}
	if p.Outputs == nil {
		return layerMissing, nil
	}
	def, err := definition.Of(ctx, name, p.Outputs[name].Root)
	if err != nil {
		return layerNone, err
	}
	_, made, err := p.State.Layer(p.Layout, definition.Key(def))
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

// stage says what becomes of a stage that is needed or not.
func (p planner) stage(r stages.Recipe, f records.Steps, needed bool) Stage {
	s := Stage{Kind: r.Kind, Name: r.Name, Version: r.Version, Action: ActionBuild}
	switch {
	case !needed || f.Sorted:
		s.Action = ActionCached
	case f.Built:
		s.Action = ActionCollect
	}
	return s
}

// elsewhere has a stage taken that would be built, if a place has it. Whether it is
// trusted shows when it is taken.
func (p planner) elsewhere(ctx context.Context, s *Stage) error {
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
	for o, err := range p.offers.Of(ctx, name) {
		if err != nil {
			return packages.Package{}, false, err
		}
		p.offered[name] = o.Says
		return o.Says, true, nil
	}
	return packages.Package{}, false, nil
}

// layer tells the layer of an output that would be taken, or that was made here.
func (p planner) layer(ctx context.Context, n definition.Need) (packages.Layer, bool, error) {
	pkg, found, err := p.offer(ctx, n.Stage)
	if found || err != nil {
		return pkg.Layers[n.Output], err == nil && pkg.Layers != nil, err
	}
	if p.Outputs == nil {
		return packages.Layer{}, false, nil
	}
	l, kept, err := records.Layer(ctx, p.State, p.Layout, p.Outputs[n.Stage], n.Output)
	return packages.LayerOf(n.Output, l), kept, err
}

// weigh adds to the stages that are taken how much of them is: the root, and what is
// needed to build others.
func (p planner) weigh(list []Stage) {
	wanted := map[definition.Need]bool{}
	for _, s := range list {
		switch s.Action {
		case ActionTake:
			wanted[definition.Need{Stage: s.Name, Output: packages.Root}] = true
		case ActionBuild:
			for _, n := range definition.Needs(p.Graph, s.Name) {
				wanted[n] = true
			}
		}
	}
	for i, s := range list {
		if s.Action != ActionTake {
			continue
		}
		for o, l := range p.offered[s.Name].Layers {
			if wanted[definition.Need{Stage: s.Name, Output: o}] {
				list[i].Bytes += l.Size
			}
		}
	}
}

// neededBy are the stages whose outputs an action on a stage reads.
func (p planner) neededBy(r stages.Recipe, a Action) []string {
	switch a {
	case ActionBuild:
		return append(p.Graph.Tools(r.Name), p.Graph.BuildClosure(r.Name)...)
	case ActionCollect:
		return p.Graph.Tools(r.Name)
	}
	return nil
}

// explain adds to a planned stage why, and how long it took before.
func (p planner) explain(s *Stage, f records.Steps, before records.Made) {
	build, collect := cmp.Or(records.Took(f.Build), before.Build), cmp.Or(records.Took(f.Collect), before.Collect)
	switch s.Action {
	case ActionTake:
		return
	case ActionCached:
		s.Seconds = records.Took(f.Build)
		return
	case ActionBuild:
		s.Seconds = build
	}
	if s.Seconds > 0 || s.Action == ActionCollect {
		s.Seconds += collect
	}
	s.Causes = p.causes(s.Name, f, before)
}

func (p planner) causes(name string, f records.Steps, before records.Made) []stages.Cause {
	lost := []stages.Cause{{Kind: causeLost}}
	now, based := p.now[name]
	switch {
	case f.Collect.Lost: // it was built just so
		return lost
	case before.Step == "":
		return []stages.Cause{{Kind: causeNever}}
	case !based: // a new base will be another one
		return []stages.Cause{{Kind: stages.CauseBase}}
	}
	changes := p.Graph.Changes(name, before.Ingredients, now)
	switch {
	case f.Build.Lost:
		return append(changes, lost...)
	case len(changes) > 0:
		return changes
	case before.Step == f.Step:
		return lost
	}
	return []stages.Cause{{Kind: stages.CauseRootbuild}}
}
