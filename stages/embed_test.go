package stages_test

import (
	"testing"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

func TestEmbeddedTargetsResolve(t *testing.T) {
	for _, name := range images.Names() {
		t.Run(name, func(t *testing.T) {
			g := load(t, name)
			checkStages(t, g)
			checkPackages(t, g)
		})
	}
}

// load returns the graph of a target that Load finds by its name.
func load(t *testing.T, name string) stages.Graph {
	t.Helper()
	target, err := images.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	recipes, err := stages.LoadFor(target)
	if err != nil {
		t.Fatal(err)
	}
	g, err := stages.Resolve(target, recipes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// One place fades: an archive keeps a version until the next one.
func TestEmbeddedSourcesHaveTwoOrigins(t *testing.T) {
	recipes, err := stages.LoadFor(images.Target{})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range recipes {
		for _, s := range r.Sources {
			if len(s.Origins) < 2 {
				t.Errorf("%s: source %s has the one origin %v", name, s.Name, s.Origins)
			}
		}
	}
}
