package stages

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rootbuild/rootbuild/images"
)

// BlueprintFile holds the Made of a blueprint.
const BlueprintFile = "blueprint.json"

// Made says what an image was made with beside its graph.
type Made struct {
	Rootbuild string `json:"rootbuild"` // version
	Base      string `json:"base"`      // digest
	// Programs names all that rootbuild itself adds to the recipes: Programs of
	// the graph.
	Programs string `json:"programs"`
}

// Blueprint returns what an image is built of, as files by their paths: a target
// that extends none, its recipes with all that stands beside them, which pin the
// sources, and m. ReadBlueprint makes the same graph of them.
func (g Graph) Blueprint(m Made) (map[string][]byte, error) {
	files, err := g.Target.Flatten()
	if err != nil {
		return nil, err
	}
	for _, r := range g.Recipes() {
		dir := path.Join(images.FlatRecipes, r.Name)
		files[path.Join(dir, recipeFile)] = r.Text
		for name, text := range r.Files {
			files[path.Join(dir, name)] = text
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	files[BlueprintFile] = append(text, '\n')
	return files, nil
}

// ReadBlueprint resolves the blueprint whose files lie in dir.
func ReadBlueprint(dir string) (Graph, Made, error) {
	g, m, err := readBlueprint(dir)
	if err != nil {
		return g, m, fmt.Errorf("reading blueprint: %w", err)
	}
	return g, m, nil
}

func readBlueprint(dir string) (Graph, Made, error) {
	var m Made
	text, err := os.ReadFile(filepath.Join(dir, BlueprintFile))
	if err != nil {
		return Graph{}, m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return Graph{}, m, fmt.Errorf("%s: %w", BlueprintFile, err)
	}
	t, err := images.Load(filepath.Join(dir, images.FlatTarget))
	if err != nil {
		return Graph{}, m, err
	}
	if len(t.RecipeDirs) == 0 {
		return Graph{}, m, errors.New("its target has no recipes")
	}
	recipes, err := Load(t.RecipeDirs...)
	if err != nil {
		return Graph{}, m, err
	}
	g, err := Resolve(t, recipes)
	return g, m, err
}

// Programs names the programs that rootbuild writes for the graph: those of its
// steps, and those that start the services. Another version of rootbuild may
// write others.
func (g Graph) Programs() string {
	var all strings.Builder
	for _, r := range g.Stages {
		all.WriteString(script(g, r) + collect(g, r))
	}
	for _, f := range g.Node.Render() {
		all.WriteString(f.Path + "\n" + strconv.FormatUint(uint64(f.Mode), 8) + "\n" + f.Symlink + "\n")
		all.Write(f.Content)
	}
	return sum([]byte(all.String()))
}
