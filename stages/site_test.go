package stages_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The example that the documents walk through must be one that works.
func TestExampleSite(t *testing.T) {
	const dir = "../docs/examples/site/"
	g := load(t, dir+"site.yaml")
	if !slices.Contains(g.Packages, "less") {
		t.Errorf("less is not among %q", g.Packages)
	}
	recipe, err := os.ReadFile(dir + "recipes/less/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), string(recipe)) {
		t.Error("docs/recipes.md does not show the example's recipe as it is")
	}
}
