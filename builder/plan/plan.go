// Package plan says what a build of a graph would do and why, in what order its stages
// can be built, how long that takes, and who has packages in place of them.
package plan

import (
	"context"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Plan is what a build would do.
type Plan struct {
	// Stages are those of the graph, in its order.
	Stages []Stage
	// NoBase: there is no base yet, and a build makes one first.
	NoBase bool

	graph   stages.Graph
	seconds map[string]float64 // that stages took before, in both of their steps
}

// Stage is what a build would do with one stage.
type Stage struct {
	Kind    stages.Kind    `json:"kind"`
	Name    string         `json:"name"`
	Version string         `json:"version"`
	Action  Action         `json:"action"`
	Causes  []stages.Cause `json:"causes,omitempty"`
	Seconds float64        `json:"seconds,omitempty"` // that it took before; 0: not known
	From    string         `json:"from,omitempty"`    // the place that a package is taken from
	Bytes   int64          `json:"bytes,omitempty"`   // that come from there, packed
}

// Action is what a build does with a stage.
type Action string

// The actions.
const (
	ActionCached  Action = "cached"
	ActionCollect Action = "collect" // what was built is sorted again
	ActionBuild   Action = "build"
	ActionTake    Action = "take" // from elsewhere, if it is trusted
)

// Options say what is planned. The zero value plans a build in the default base.
type Options struct {
	// Base is the image to build in, as base.Resolve reads it.
	Base string
	// Archive is the base URL of a Debian archive that the default base is made from.
	Archive string
	// Packages are the places where packages are taken from.
	Packages []packages.Place
}

// Of looks what a build of a graph would do. It builds nothing.
func Of(ctx context.Context, in *state.State, graph stages.Graph, o Options) (Plan, error) {
	layout, err := oci.OpenLayout(in.Images())
	if err != nil {
		return Plan{}, err
	}
	digest, found, err := base.Look(layout, o.Base, o.Archive)
	if err != nil {
		return Plan{}, err
	}
	p := planner{
		Stages:  records.Stages{Graph: graph, State: in, Layout: layout},
		offers:  NewOffers(graph, o.Packages),
		offered: map[string]packages.Package{},
	}
	p.offers.Layer = func(ctx context.Context, n definition.Need) (packages.Layer, bool, error) { return p.layer(ctx, n) }
	if found {
		p.Outputs = graph.LLB(definition.Inputs(digest))
		p.now = graph.Ingredients(digest.String())
	}
	list, err := p.plan(ctx)
	if err != nil {
		return Plan{}, err
	}
	seconds, err := p.Seconds()
	return Plan{list, !found, graph, seconds}, err
}

// Idle says that there is nothing to build.
func (p Plan) Idle() bool {
	for _, s := range p.Stages {
		if s.Action != ActionCached {
			return false
		}
	}
	return !p.NoBase
}
