package stages

import (
	"embed"
	"io/fs"

	"github.com/rootbuild/rootbuild/images"
)

//go:embed all:recipes
var embedded embed.FS

// Embedded returns the recipes of the project: NAME/recipe.yaml each.
func Embedded() fs.FS {
	recipes, err := fs.Sub(embedded, "recipes")
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return recipes
}

// LoadFor reads the recipes that a target may name: those of the project, and
// over them those of its own directories.
func LoadFor(t images.Target) (Recipes, error) {
	own := images.RecipeDir{Path: "stages/recipes", FS: Embedded()}
	return Load(append([]images.RecipeDir{own}, t.RecipeDirs...)...)
}
