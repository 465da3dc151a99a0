package stages

import (
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/leaks"
)

// AllowedLeak is a leak that a recipe takes on itself.
type AllowedLeak struct {
	Path   string // a pattern of installed paths, without the leading slash
	Kind   leaks.Kind
	Reason string
}

// Allows reports whether the recipe allows a leak of its package.
func (r Recipe) Allows(l leaks.Leak) bool {
	return slices.ContainsFunc(r.AllowLeaks, func(a AllowedLeak) bool {
		matches, err := path.Match(a.Path, l.Path)
		return err == nil && matches && a.Kind == l.Kind
	})
}

// StepDirs returns the directories that only a step has. Their names must not
// get into a root.
func StepDirs() []string {
	return []string{dirSources, dirRecipe, dirStep, dirSysroot, dirBuild, dirDest, dirOut, dirTools}
}

// allowedLeak reads one entry of allow_leaks.
func (d *decoder) allowedLeak(n *yaml.Node) {
	var kinds []string
	for _, k := range leaks.Kinds() {
		kinds = append(kinds, string(k))
	}
	var a AllowedLeak
	d.Mapping(n, images.Fields{
		"path": func(n *yaml.Node) {
			if d.String(&a.Path)(n); a.Path == "" {
				return
			}
			if _, err := path.Match(a.Path, ""); err != nil {
				d.Faultf(n.Line, "pattern %q: %s", a.Path, err)
			}
			if path.IsAbs(a.Path) {
				d.Faultf(n.Line, "pattern %q begins with a slash, which no path of a package does", a.Path)
			}
		},
		"kind":   d.oneOf((*string)(&a.Kind), "kind of leak", kinds),
		"reason": d.Match(&a.Reason, reasonForm, "a reason"),
	}, "path", "kind", "reason")
	d.recipe.AllowLeaks = append(d.recipe.AllowLeaks, a)
}
