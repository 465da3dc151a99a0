package stages_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

func TestGraph(t *testing.T) {
	cases(t, "graph", func(t *testing.T, dir images.RecipeDir) string {
		g := resolve(t, dir)
		var b strings.Builder
		if err := g.Text(&b); err != nil {
			t.Fatal(err)
		}
		for _, r := range g.Stages {
			fmt.Fprintf(&b, "\n%s\n  tools   %v\n  sysroot %v", r.Name, g.Tools(r.Name), g.BuildClosure(r.Name))
		}
		b.WriteString("\n\n")
		if err := g.Dot(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	})
}

// resolve resolves the target of a directory with its recipes.
func resolve(t *testing.T, dir images.RecipeDir) stages.Graph {
	t.Helper()
	recipes, err := stages.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := stages.Resolve(target(t, dir.FS), recipes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestResolveTellsEveryFault(t *testing.T) {
	cases(t, "unresolved", func(t *testing.T, dir images.RecipeDir) string {
		recipes, err := stages.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = stages.Resolve(target(t, dir.FS), recipes)
		if err == nil {
			t.Fatal("a bad target was resolved")
		}
		return err.Error() + "\n"
	})
}

// random returns recipes whose needs lead to lower numbers only.
func random(rng *rand.Rand, count int) (stages.Recipes, []string) {
	recipes := stages.Recipes{
		"toolchain-test": {
			Name: "toolchain-test", Kind: stages.KindToolchain,
			Tools: []string{"cc"}, BuildNeeds: []string{"libc"}, Needs: []string{"libc"},
		},
		"cc":   {Name: "cc", Kind: stages.KindTool},
		"libc": {Name: "libc", Kind: stages.KindPackage, OwnTools: true, Tools: []string{"cc"}},
	}
	var names []string
	some := func() []string {
		var list []string
		for _, name := range names {
			if rng.IntN(4) == 0 {
				list = append(list, name)
			}
		}
		return list
	}
	for i := range count {
		name := fmt.Sprintf("p%02d", i)
		recipes[name] = stages.Recipe{
			Name: name, Kind: stages.KindPackage, BuildNeeds: some(), Needs: some(), Fallback: rng.IntN(5) == 0,
		}
		names = append(names, name)
	}
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return recipes, names
}

func TestResolveOrder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		recipes, names := random(rng, 2+rng.IntN(20))
		target := images.Target{Name: "test", Libc: "test", Packages: names[:1+rng.IntN(len(names))]}
		g, err := stages.Resolve(target, recipes)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		checkStages(t, g)
		checkPackages(t, g)
		again, err := stages.Resolve(target, recipes)
		if diff := cmp.Diff(text(t, g), text(t, again)); diff != "" || err != nil {
			t.Errorf("a second graph differs (%v):\n%s", err, diff)
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, text(t, g))
		}
	}
}

func text(t *testing.T, g stages.Graph) string {
	t.Helper()
	var b strings.Builder
	if err := g.Text(&b); err != nil {
		t.Fatal(err)
	}
	if err := g.Dot(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkStages holds every stage to stand once, after all it is built with.
func checkStages(t *testing.T, g stages.Graph) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range g.Stages {
		if seen[r.Name] {
			t.Errorf("stage %s stands twice", r.Name)
		}
		for _, name := range slices.Concat(g.Tools(r.Name), g.BuildClosure(r.Name), g.Dependencies(r.Name)) {
			if !seen[name] {
				t.Errorf("stage %s stands before %s", r.Name, name)
			}
		}
		seen[r.Name] = true
	}
	for _, name := range g.Packages {
		if !seen[name] {
			t.Errorf("package %s has no stage", name)
		}
	}
}

// checkPackages holds the layers to begin with what gives way, to come after
// what they need, and to hold all of it.
func checkPackages(t *testing.T, g stages.Graph) {
	t.Helper()
	isFallback := func(name string) bool { return g.Recipe(name).Fallback }
	for i, name := range g.Packages {
		if i > 0 && isFallback(name) && !isFallback(g.Packages[i-1]) {
			t.Errorf("layer %s is not among the lowest", name)
		}
		for _, need := range g.Recipe(name).Needs {
			at := slices.Index(g.Packages, need)
			if at < 0 || (at > i && isFallback(name) == isFallback(need)) {
				t.Errorf("layer %s is not above %s (%d)", name, need, at)
			}
		}
	}
	for _, name := range slices.Concat(g.Target.Packages, g.Toolchain.Needs) {
		if !slices.Contains(g.Packages, name) {
			t.Errorf("package %s has no layer", name)
		}
	}
}
