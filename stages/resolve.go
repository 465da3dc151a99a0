package stages

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rootbuild/rootbuild/images"
)

// Resolve finds what a target is built of, and what its nodes start. The error
// tells every name that no recipe has, each with file and line, or else every
// cycle and every service that cannot be started.
func Resolve(t images.Target, recipes Recipes) (Graph, error) {
	s := resolver{target: t, edges: edges{recipes: recipes}}
	s.configureKernel()
	s.toolchain = s.findToolchain(t)
	s.checkInitramfs()
	s.check()
	if err := errors.Join(s.errs...); err != nil {
		return Graph{}, err
	}
	g := Graph{Target: t, Toolchain: s.toolchain, Packages: s.layers(s.toolchain, s.wanted())}
	if k := t.Kernel; k.Recipe != "" {
		g.Initramfs, g.Early = s.layers(s.early, wanted(*k.Initramfs)), s.early
	}
	g.Stages = s.stagesOf(g.Contents())
	g.Node = s.plan(g.Packages)
	if err := errors.Join(s.errs...); err != nil {
		return Graph{}, err
	}
	return g, nil
}

// resolver collects the faults of one Resolve.
type resolver struct {
	edges
	target images.Target
	early  Recipe // the toolchain that the initramfs names
	errs   []error
}

func (s *resolver) faultf(at, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// findToolchain takes the toolchain of a target's libc.
func (s *resolver) findToolchain(t images.Target) Recipe {
	name := toolchainName(t.Libc)
	r, ok := s.recipes[name]
	switch {
	case !ok:
		s.faultf(t.LibcAt(), "libc %q has no toolchain: no recipe %q%s",
			t.Libc, name, s.recipes.hint(name, KindToolchain))
	case r.Kind != KindToolchain:
		s.faultf(r.At(), "%s is a %s, not a toolchain", name, r.Kind)
	default:
		return r
	}
	return Recipe{}
}

func toolchainName(libc string) string { return "toolchain-" + libc }

// wanted are the packages that the target names, and its kernel.
func (s *resolver) wanted() []edge {
	list := wanted(s.target)
	if k := s.target.Kernel; k.Recipe != "" {
		list = unique(append(list, edge{k.Recipe, s.target.KernelAt()}))
	}
	return list
}

// wanted are the packages that a target names.
func wanted(t images.Target) []edge {
	list := make([]edge, len(t.Packages))
	for i, name := range t.Packages {
		list[i] = edge{name, t.PackageAt(name)}
	}
	return list
}

// check looks up every name that the target leads to.
func (s *resolver) check() {
	l := lookup{resolver: s, seen: map[string]bool{}, told: map[edge]bool{}}
	l.recipe(s.toolchain)
	l.each(s.wanted(), KindPackage)
	if i := s.target.Kernel.Initramfs; i != nil {
		l.recipe(s.early)
		l.each(wanted(*i), KindPackage)
	}
}

// lookup is a walk over the recipes that a target leads to.
type lookup struct {
	*resolver
	seen map[string]bool
	told map[edge]bool
}

// recipe looks up what a recipe names. A package may be a tool of others, as
// libgcc is, but nodes and sysroots get packages only.
func (l *lookup) recipe(r Recipe) {
	l.each(named(r, r.Tools), KindTool, KindPackage)
	l.each(named(r, r.BuildNeeds), KindPackage)
	l.each(named(r, r.Needs), KindPackage)
}

// each looks up recipes that are named as one of the given kinds.
func (l *lookup) each(list []edge, kinds ...Kind) {
	for _, e := range list {
		r, known := l.recipes[e.to]
		switch {
		case (!known || !slices.Contains(kinds, r.Kind)) && !l.told[e]:
			l.told[e] = true
			l.mismatch(e, kinds)
		case known && !l.seen[e.to]:
			l.seen[e.to] = true
			l.recipe(r)
		}
	}
}

// mismatch tells a name that no recipe has, or one of another kind.
func (l *lookup) mismatch(e edge, kinds []Kind) {
	if r, known := l.recipes[e.to]; known {
		l.faultf(e.at, "%s is a %s, not a %s", e.to, r.Kind, kinds[0])
		return
	}
	l.faultf(e.at, "unknown %s %q%s", kinds[0], e.to, l.recipes.hint(e.to, kinds...))
}

// layers orders the packages of a root: those that give way first, so that
// the others cover them, then what the toolchain needs in every root.
func (s *resolver) layers(toolchain Recipe, wanted []edge) []string {
	roots := slices.Concat(named(toolchain, toolchain.Needs), wanted)
	sorted, errs := topological(roots, "cycle at run time", func(name string) []edge {
		r := s.recipes[name]
		return named(r, r.Needs)
	})
	s.errs = append(s.errs, errs...)
	slices.SortStableFunc(sorted, func(a, b string) int {
		return rank(s.recipes[a]) - rank(s.recipes[b])
	})
	return sorted
}

func rank(r Recipe) int {
	if r.Fallback {
		return 0
	}
	return 1
}

// stagesOf orders everything that must be built for the packages.
func (s *resolver) stagesOf(packages []string) []Recipe {
	roots := make([]edge, len(packages))
	for i, name := range packages {
		roots[i] = edge{to: name}
	}
	sorted, errs := topological(roots, "cycle of builds", func(name string) []edge {
		return s.stages(s.recipes[name])
	})
	s.errs = append(s.errs, errs...)
	list := make([]Recipe, len(sorted))
	for i, name := range sorted {
		list[i] = s.recipes[name]
	}
	return list
}
