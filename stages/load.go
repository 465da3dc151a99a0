package stages

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images"
)

const recipeFile = "recipe.yaml"

// Load reads the recipes of the given directories, NAME/recipe.yaml each. A
// recipe of a later directory replaces one of the same name. The error tells
// every fault of every recipe, each with file and line.
func Load(dirs ...images.RecipeDir) (Recipes, error) {
	recipes := Recipes{}
	var errs []error
	for _, dir := range dirs {
		entries, err := fs.ReadDir(dir.FS, ".")
		if err != nil {
			errs = append(errs, fmt.Errorf("reading recipes %s: %w", dir.Path, err))
			continue
		}
		for _, entry := range entries {
			if !holdsRecipe(dir.FS, entry.Name()) {
				continue
			}
			recipe, err := load(dir, entry.Name())
			recipes[entry.Name()] = recipe
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return recipes, nil
}

// holdsRecipe reports whether an entry is for Load: a directory, perhaps by a
// symlink, that is not hidden as that of a version control is.
func holdsRecipe(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && info.IsDir() && !strings.HasPrefix(name, ".")
}

// load reads one recipe and the files beside it.
func load(dir images.RecipeDir, name string) (Recipe, error) {
	file := path.Join(dir.Path, name, recipeFile)
	sub, err := fs.Sub(dir.FS, name)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading recipe %s: %w", file, err)
	}
	text, err := fs.ReadFile(sub, recipeFile)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading recipe %s: %w", file, err)
	}
	files, err := readFiles(sub)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading the files beside %s: %w", file, err)
	}
	recipe, err := decode(file, name, text, files)
	if err != nil {
		return recipe, err
	}
	for name := range recipe.Files {
		if path.Ext(name) == ".patch" {
			recipe.Patches = append(recipe.Patches, name)
		}
	}
	slices.Sort(recipe.Patches)
	return recipe, nil
}

// readFiles reads every file below a recipe's directory but the recipe itself.
func readFiles(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == recipeFile {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	return files, err
}
