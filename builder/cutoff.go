package builder

import (
	"context"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/stages"
)

// cutOff builds what others wait for before the rest, as long as places have something by
// the content of that: what came out with the bytes that it had before has nothing built
// after it that somebody else has built. It returns the packages of the image that are
// still missing.
func (s *supply) cutOff(ctx context.Context, base v1.Hash, list []pack.Package, missing []string) ([]string, error) {
	for len(missing) > 0 && len(s.options.Packages) > 0 {
		p := s.records(s.asOne)
		in := definition.Inputs(base)
		var building []string
		var err error
		if in.Taken, building, err = s.inputs(ctx, p, slices.Clone(missing)); err != nil {
			return nil, err
		}
		first, rest := s.split(building)
		if len(first) == 0 || !s.tookAny() {
			return missing, nil
		}
		if err := s.buildFirst(ctx, in, first); err != nil {
			return nil, err
		}
		found, err := s.retake(ctx, rest)
		if err != nil {
			return nil, err
		}
		if missing, err = s.record(ctx, list); err != nil || !found {
			return missing, err
		}
	}
	return missing, nil
}

// tookAny says whether places have anything of the graph.
func (s *supply) tookAny() bool {
	for _, t := range s.known {
		if t.Found {
			return true
		}
	}
	return false
}

// split divides stages that are to be built into those that others of them wait for and
// that wait for none, and the rest.
func (s *supply) split(building []string) (first, rest []string) {
	awaited := map[string]bool{}
	waits := func(name string) (waits bool) {
		for _, n := range definition.Needs(s.graph, name) {
			if slices.Contains(building, n.Stage) {
				awaited[n.Stage], waits = true, true
			}
		}
		return waits
	}
	for _, name := range building {
		if waits(name) {
			rest = append(rest, name)
		}
	}
	for _, name := range building {
		if awaited[name] && !slices.Contains(rest, name) {
			first = append(first, name)
		}
	}
	return first, rest
}

// buildFirst builds stages with all their outputs, so that their content is known.
func (s *supply) buildFirst(ctx context.Context, in stages.Inputs, names []string) error {
	var recipes []stages.Recipe
	for _, name := range names {
		recipes = append(recipes, s.graph.Recipe(name))
	}
	all, err := s.asPackages(ctx, recipes, s.graph.LLB(in))
	if err != nil {
		return err
	}
	s.built.Stages = recipes
	start := func() (pack.Engine, error) { return s.start(ctx, all) }
	_, err = pack.Layers(ctx, s.state, s.layout, all, s.graph.Target.Epoch, start, s.options.Display)
	return err
}

// retake asks once more for stages that nobody had, and says whether somebody has one.
func (s *supply) retake(ctx context.Context, names []string) (found bool, err error) {
	for _, name := range names {
		delete(s.known, name)
	}
	missing, err := s.takeAll(ctx, names)
	return len(missing) < len(names), err
}
