package stages_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/stages"
)

func TestMaterials(t *testing.T) {
	cases(t, "materials", func(t *testing.T, dir images.RecipeDir) string {
		g := resolve(t, dir)
		g.Target.Epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		return materials(t, g)
	})
}

// materials are those of a graph as text.
func materials(t *testing.T, g stages.Graph) string {
	t.Helper()
	list, err := g.Materials(map[string]string{"shell": "built", "cc": "reused"})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, d := range list {
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", d.GetName(), err)
		}
		fmt.Fprintf(&text, "%s\n  uri %s\n  digest %v\n  %v\n", d.GetName(), d.GetUri(), d.GetDigest(), d.GetAnnotations().AsMap())
	}
	return text.String()
}

// A file, or a text, that changes has another digest, and nothing else has.
func TestMaterialsChange(t *testing.T) {
	dir := images.RecipeDir{Path: "recipes", FS: archive(t, "testdata/materials/small.txtar")}
	before := strings.Split(materials(t, resolve(t, dir)), "\n")
	for what, change := range map[string]func(*stages.Recipe){
		"text": func(r *stages.Recipe) { r.Text = append(r.Text, "# a comment\n"...) },
		"file": func(r *stages.Recipe) { r.Files["a.patch"] = []byte("other\n") },
		"name": func(r *stages.Recipe) { r.Files["b.patch"] = r.Files["a.patch"]; delete(r.Files, "a.patch") },
	} {
		t.Run(what, func(t *testing.T) {
			g := resolve(t, dir)
			for i := range g.Stages {
				if g.Stages[i].Name == "shell" {
					change(&g.Stages[i])
				}
			}
			var changed []string
			for i, line := range strings.Split(materials(t, g), "\n") {
				if line != before[i] {
					changed = append(changed, before[i-2])
				}
			}
			if len(changed) != 1 || changed[0] != "recipes/shell" {
				t.Errorf("changed: %q, want recipes/shell", changed)
			}
		})
	}
}

// Each stage and each source of the embedded targets is there, once.
func TestMaterialsOfTargets(t *testing.T) {
	for _, name := range images.Names() {
		g := load(t, name)
		list, err := g.Materials(nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, d := range list {
			id := fmt.Sprint(d.GetName(), d.GetDigest())
			if err := d.Validate(); err != nil || seen[id] {
				t.Errorf("%s: %s: %v, seen before: %v", name, id, err, seen[id])
			}
			seen[id] = true
		}
		if want := 1 + len(g.Recipes()) + len(g.Sources()); len(list) != want { // the target, too
			t.Errorf("%s has %d materials, want %d", name, len(list), want)
		}
	}
}
