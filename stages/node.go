package stages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images"
)

// Node is what the init of a target starts. The zero Node starts nothing.
type Node struct {
	Init      string
	Runlevels map[images.Runlevel][]Wave
	Tmpfs     []images.Tmpfs // sorted by path
	Checks    []images.Check
}

// Wave holds the services that start at once, sorted by name. It begins when
// the wave before it has ended.
type Wave []Service

// planner finds what the init of a target starts, and notes the faults of the
// target and its recipes in the resolver.
type planner struct {
	*resolver
	provided map[string][]provided // by the name of the service
}

// provided is a service with the recipe that has it.
type provided struct {
	Service
	recipe Recipe
}

// plan resolves the services of a target whose root holds the given packages.
func (s *resolver) plan(packages []string) Node {
	p := planner{resolver: s, provided: map[string][]provided{}}
	for _, name := range packages {
		for _, service := range s.recipes[name].Services {
			p.provided[service.Name] = append(p.provided[service.Name], provided{service, s.recipes[name]})
		}
	}
	node := Node{Init: s.target.Init, Runlevels: map[images.Runlevel][]Wave{}, Checks: s.target.Checks}
	if node.Init == "" {
		node.Tmpfs = p.tmpfs(nil)
		return node
	}
	p.checkInit(packages)
	var all []provided
	for _, level := range images.Runlevels() {
		services := p.find(level)
		all = append(all, services...)
		node.Runlevels[level] = p.waves(services)
	}
	node.Tmpfs = p.tmpfs(all)
	return node
}

// checkInit holds the target to an init that is known and in the root.
func (p planner) checkInit(packages []string) {
	system, known := inits[p.target.Init]
	switch {
	case !known:
		p.faultf(p.target.InitAt(), "unknown init %q%s", p.target.Init, images.DidYouMean(p.target.Init, Inits()))
	case !slices.Contains(packages, system.pkg):
		p.faultf(p.target.InitAt(), "init %q comes from the package %s, which the target does not have", p.target.Init, system.pkg)
	}
}

// find looks up the services of a runlevel.
func (p planner) find(level images.Runlevel) []provided {
	var list []provided
	for _, name := range p.target.Services[level] {
		at := p.target.ServiceAt(name)
		switch found := p.provided[name]; len(found) {
		case 1:
			p.checkNeeds(level, found[0])
			list = append(list, found[0])
		case 0:
			p.unknown(at, name)
		default:
			p.faultf(at, "service %q comes from the packages %s and %s", name, found[0].recipe.Name, found[1].recipe.Name)
		}
	}
	return list
}

// unknown tells a service that no package of the target has.
func (p planner) unknown(at, name string) {
	for _, recipe := range p.recipes.Names(KindPackage) {
		for _, service := range p.recipes[recipe].Services {
			if service.Name == name {
				p.faultf(at, "service %q comes from the package %s, which the target does not have", name, recipe)
				return
			}
		}
	}
	var known []string
	for other := range p.provided {
		known = append(known, other)
	}
	p.faultf(at, "unknown service %q%s", name, images.DidYouMean(name, known))
}

// checkNeeds holds a service to needs that are up when it starts.
func (p planner) checkNeeds(level images.Runlevel, s provided) {
	for _, need := range s.Needs {
		at := s.namedAt(need)
		other, placed := p.target.RunlevelOf(need)
		switch {
		case !placed:
			p.faultf(at, "service %q needs %q, which is in no runlevel of the target%s", s.Name, need, images.DidYouMean(need, p.placed()))
		case level == images.Shutdown && other != level:
			p.faultf(at, "service %q of the runlevel shutdown needs %q, which has been stopped by then", s.Name, need)
		case position(other) > position(level):
			p.faultf(at, "service %q of the runlevel %s needs %q of %s, which comes later", s.Name, level, need, other)
		}
	}
}

func position(level images.Runlevel) int { return slices.Index(images.Runlevels(), level) }

// placed are the services of all runlevels.
func (p planner) placed() []string {
	var names []string
	for _, level := range images.Runlevels() {
		names = append(names, p.target.Services[level]...)
	}
	return names
}

// waves orders the services of a runlevel. What they need in an earlier one is
// up already; what they would start after in a later one cannot be heeded.
func (p planner) waves(services []provided) []Wave {
	byName, roots := map[string]provided{}, make([]edge, len(services))
	for i, s := range services {
		byName[s.Name] = s
		roots[i] = edge{s.Name, p.target.ServiceAt(s.Name)}
	}
	before := func(name string) []edge {
		var list []edge
		s := byName[name]
		for _, other := range slices.Concat(s.Needs, s.After) {
			if _, here := byName[other]; here {
				list = append(list, edge{other, s.namedAt(other)})
			}
		}
		return list
	}
	sorted, errs := topological(roots, "cycle of services", before)
	if p.errs = append(p.errs, errs...); len(errs) > 0 {
		return nil
	}
	number := map[string]int{}
	var waves []Wave
	for _, name := range sorted {
		for _, e := range before(name) {
			number[name] = max(number[name], number[e.to]+1)
		}
		if number[name] == len(waves) {
			waves = append(waves, nil)
		}
		waves[number[name]] = append(waves[number[name]], byName[name].Service)
	}
	for _, w := range waves {
		slices.SortFunc(w, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	}
	return waves
}

// namedAt tells file and line where a service names another one.
func (s provided) namedAt(name string) string {
	return fmt.Sprintf("%s:%d", s.recipe.File, s.lines[name])
}

// tmpfs joins what the services write to the target's own list, which wins.
func (p planner) tmpfs(services []provided) []images.Tmpfs {
	list := slices.Clone(p.target.Tmpfs)
	for _, s := range services {
		for _, e := range s.Writes {
			if slices.ContainsFunc(list, func(t images.Tmpfs) bool { return t.Path == e.Path }) {
				continue
			}
			var err error
			if e.UID, e.GID, err = p.target.Owner(e.Owner); err != nil {
				p.faultf(fmt.Sprintf("%s:%d", s.recipe.File, e.Line), "%s", err)
			}
			list = append(list, e.Tmpfs)
		}
	}
	slices.SortFunc(list, func(a, b images.Tmpfs) int { return strings.Compare(a.Path, b.Path) })
	return list
}
