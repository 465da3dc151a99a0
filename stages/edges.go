package stages

import "slices"

// edges tells what each recipe is built with and needs.
type edges struct {
	recipes   Recipes
	toolchain Recipe
}

// edge leads to a recipe; at is the file and line that names it.
type edge struct{ to, at string }

// implied reports whether the toolchain says what a recipe is built with.
func implied(r Recipe) bool { return r.Kind == KindPackage && !r.OwnTools }

// tools are the tools that a recipe is built with.
func (e edges) tools(r Recipe) []edge {
	if implied(r) {
		return named(e.toolchain, e.toolchain.Tools)
	}
	return named(r, r.Tools)
}

// buildNeeds are the packages that a recipe asks to have in its sysroot.
func (e edges) buildNeeds(r Recipe) []edge {
	own := named(r, r.BuildNeeds)
	if !implied(r) {
		return own
	}
	return unique(slices.Concat(named(e.toolchain, e.toolchain.BuildNeeds), own))
}

// sysroot is all that a recipe's sysroot holds.
func (e edges) sysroot(r Recipe) []edge { return e.withNeeds(e.buildNeeds(r)) }

// stages are all stages that must be there before a recipe is built.
func (e edges) stages(r Recipe) []edge {
	return unique(slices.Concat(e.tools(r), e.sysroot(r)))
}

// withNeeds adds to packages what they need at run time.
func (e edges) withNeeds(packages []edge) []edge {
	all := unique(packages)
	for i := 0; i < len(all); i++ {
		r := e.recipes[all[i].to]
		all = unique(append(all, named(r, r.Needs)...))
	}
	return all
}

// named returns the edges to what a recipe names.
func named(r Recipe, names []string) []edge {
	list := make([]edge, len(names))
	for i, name := range names {
		list[i] = edge{name, r.NamedAt(name)}
	}
	return list
}

// unique keeps the first edge to each recipe.
func unique(list []edge) []edge {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(e edge) bool {
		again := seen[e.to]
		seen[e.to] = true
		return again
	})
}

// names returns where edges lead.
func names(list []edge) []string {
	to := make([]string, len(list))
	for i, e := range list {
		to[i] = e.to
	}
	return to
}
