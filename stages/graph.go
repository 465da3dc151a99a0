package stages

import (
	"slices"

	"github.com/rootbuild/rootbuild/images"
)

// Graph is what a target is built of: its toolchain, its stages and the
// packages that its root holds. Resolve makes it, always the same from the
// same input.
type Graph struct {
	Target    images.Target
	Toolchain Recipe   // it binds stages, and is none itself
	Stages    []Recipe // each after those that it is built with
	Packages  []string // in the order of the layers, the lowest first
	Initramfs []string // the packages of the kernel's initramfs, the lowest first
	Early     Recipe   // the toolchain that the initramfs names
	Node      Node     // what nodes of the root start
}

// Recipe returns the recipe of a stage, or the toolchain. It returns the zero
// Recipe for a name that the graph does not have.
func (g Graph) Recipe(name string) Recipe {
	for _, r := range g.Stages {
		if r.Name == name {
			return r
		}
	}
	if name == g.Toolchain.Name {
		return g.Toolchain
	}
	return Recipe{}
}

// Recipes returns those of all stages, and of the toolchains.
func (g Graph) Recipes() []Recipe {
	all := append(slices.Clone(g.Stages), g.Toolchain)
	if g.Early.Name != "" && g.Early.Name != g.Toolchain.Name {
		all = append(all, g.Early)
	}
	return all
}

// Contents returns all packages that the image holds: Packages, then those that are
// in its initramfs alone.
func (g Graph) Contents() []string {
	return appendNew(g.Packages, g.Initramfs)
}

// Tools returns the tools that a stage is built with: those that it names, or
// for a package that does not say so those of the toolchain.
func (g Graph) Tools(name string) []string {
	return names(g.edges().tools(g.Recipe(name)))
}

// BuildClosure returns what is in the sysroot of a stage: its build needs, for
// packages that do not name their tools those of the toolchain too, and what
// these need at run time.
func (g Graph) BuildClosure(name string) []string {
	return names(g.edges().sysroot(g.Recipe(name)))
}

// Dependencies returns the stages that a stage is built with directly, sorted:
// its tools and the build needs that it or the toolchain names.
func (g Graph) Dependencies(name string) []string {
	r, e := g.Recipe(name), g.edges()
	direct := slices.Concat(names(e.tools(r)), names(e.buildNeeds(r)))
	slices.Sort(direct)
	return slices.Compact(direct)
}

// edges returns the edges of the graph.
func (g Graph) edges() edges {
	recipes := Recipes{g.Toolchain.Name: g.Toolchain}
	for _, r := range g.Stages {
		recipes[r.Name] = r
	}
	return edges{recipes, g.Toolchain}
}

// Bound says whether a stage is one of those that the toolchain binds.
func (g Graph) Bound(name string) bool {
	return slices.Contains(g.Toolchain.Tools, name) || slices.Contains(g.Toolchain.BuildNeeds, name)
}

// Implied says whether a stage is built with what the toolchain binds, without naming it.
func (g Graph) Implied(name string) bool { return implied(g.Recipe(name)) }

// Named returns the stages that the recipe of a stage names to be built with, sorted:
// its tools, where it has its own, and its build needs.
func (g Graph) Named(name string) []string {
	r := g.Recipe(name)
	direct := slices.Clone(r.BuildNeeds)
	if !implied(r) {
		direct = append(direct, r.Tools...)
	}
	slices.Sort(direct)
	return slices.Compact(direct)
}
