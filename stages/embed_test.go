package stages_test

import (
	"testing"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

func TestEmbeddedTargetsResolve(t *testing.T) {
	for _, name := range images.Names() {
		t.Run(name, func(t *testing.T) {
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
			checkStages(t, g)
			checkPackages(t, g)
		})
	}
}
