package builder

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/compare"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// OfPlaces builds packages of a graph again and compares each with what the places of the
// options have: all its outputs. What it is built with is taken from there where it can
// be, so that a difference is that package's own.
func (r *Reproduction) OfPlaces(ctx context.Context, graph stages.Graph, display *engine.Display) (Reproduced, error) {
	recipes, err := r.recipes(graph)
	if err != nil {
		return Reproduced{}, err
	}
	r.options.Display = display
	here, err := newBuild(r.state, graph, r.options.Options)
	if err != nil {
		return Reproduced{}, err
	}
	offered, err := r.offered(ctx, newSupply(here), recipes)
	if err != nil {
		return Reproduced{}, err
	}
	base, err := here.base(ctx)
	if err != nil {
		return Reproduced{}, err
	}
	// What is taken lies where BuildKit reads it, beside the base.
	s := newSupply(build{graph: graph, state: r.work, layout: r.layout, options: r.options.Options})
	made, err := r.rebuild(ctx, s, definition.Inputs(base), recipes)
	if err != nil {
		return Reproduced{}, err
	}
	report := Reproduced{Image: places(r.options.Options), Base: base.String(), Packages: r.options.Packages}
	for i, m := range made {
		for _, o := range offered[i] {
			found, err := differences(ctx, o.Place, s.layout, o.Says, m)
			if err != nil {
				return Reproduced{}, err
			}
			report.Differences = append(report.Differences, found...)
		}
	}
	report.Identical = len(report.Differences) == 0
	return report, nil
}

func places(o Options) string {
	var list []string
	for _, p := range o.Packages {
		list = append(list, p.String())
	}
	return strings.Join(list, " and ")
}

// recipes are those of the packages that are asked for.
func (r *Reproduction) recipes(graph stages.Graph) ([]stages.Recipe, error) {
	var known []string
	for _, s := range graph.Stages {
		known = append(known, s.Name)
	}
	var list []stages.Recipe
	for _, name := range r.options.Packages {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("the target is not built with a package %q%s", name, images.DidYouMean(name, known))
		}
		list = append(list, graph.Recipe(name))
	}
	return list, nil
}

// offered are the places that have each package.
func (r *Reproduction) offered(ctx context.Context, s *supply, recipes []stages.Recipe) ([][]plan.Offer, error) {
	var all [][]plan.Offer
	for _, recipe := range recipes {
		list, err := s.offers.Having(ctx, s.key(recipe.Name))
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("package %s: %s has none with the key of this recipe, %.12s", recipe.Name, places(r.options.Options), s.key(recipe.Name))
		}
		all = append(all, list)
	}
	return all, nil
}

// rebuild builds stages anew, with inputs from the places.
func (r *Reproduction) rebuild(ctx context.Context, s *supply, in stages.Inputs, recipes []stages.Recipe) ([]packages.Made, error) {
	s.asOne = s.graph.LLB(in)
	for _, recipe := range recipes {
		s.known[recipe.Name] = records.Taken{}
	}
	outputs, err := s.substitute(ctx, in, s.asOne, nil, r.options.Packages)
	if err != nil {
		return nil, err
	}
	all, err := s.asPackages(ctx, recipes, outputs)
	if err != nil {
		return nil, err
	}
	again := s.build
	again.graph = s.built
	start := func() (pack.Engine, error) { return r.start(ctx, again, all, false) }
	layers, err := pack.Layers(ctx, r.work, s.layout, all, s.graph.Target.Epoch, start, r.options.Display)
	if err != nil {
		return nil, err
	}
	var made []packages.Made
	for i, recipe := range recipes {
		made = append(made, s.made(recipe, layers[3*i:3*i+3]))
	}
	return made, nil
}

// differences are those between what a place has of a package and what was made here.
func differences(ctx context.Context, place packages.Place, l *oci.Layout, there packages.Package, m packages.Made) ([]compare.Difference, error) {
	var all []compare.Difference
	for _, o := range packages.Outputs {
		if there.Layers[o].Digest == packages.LayerOf(o, m.Layers[o]).Digest {
			continue
		}
		found, err := place.Compare(ctx, l, there, m, o)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
