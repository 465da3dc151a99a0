package stages

import (
	"embed"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"

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

// Hosts returns the hosts that the project's recipes have sources from, in lower case,
// sorted.
func Hosts() ([]string, error) {
	recipes, err := LoadFor(images.Target{})
	if err != nil {
		return nil, err
	}
	hosts := map[string]bool{}
	for _, r := range recipes {
		for _, s := range r.Sources {
			for _, o := range s.Origins {
				if u, err := url.Parse(o.URL); err == nil && u.Host != "" {
					hosts[strings.ToLower(u.Host)] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(hosts)), nil
}

// LoadFor reads the recipes that a target may name: those of the project, and
// over them those of its own directories.
func LoadFor(t images.Target) (Recipes, error) {
	own := images.RecipeDir{Path: "stages/recipes", FS: Embedded()}
	return Load(append([]images.RecipeDir{own}, t.RecipeDirs...)...)
}
