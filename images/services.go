package images

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// Runlevel is a state of a node, with the services that are started to reach it.
type Runlevel string

// The runlevels of a node. It passes the first three from power on, and the
// last one on its way down.
const (
	Sysinit  Runlevel = "sysinit"  // what everything else stands on: mounts, devices
	Boot     Runlevel = "boot"     // what makes the machine a node: name, network, state
	Default  Runlevel = "default"  // what the node is there for
	Shutdown Runlevel = "shutdown" // what is left to do once all services are stopped
)

// Runlevels returns the runlevels in the order in which a node passes them.
func Runlevels() []Runlevel { return []Runlevel{Sysinit, Boot, Default, Shutdown} }

// serviceLists are the services of one file by runlevel, with the line of each.
type serviceLists struct {
	lists map[Runlevel][]string
	lines map[string]int
}

// services reads the lists of services by runlevel.
func (s *source) services(n *yaml.Node) {
	s.wants.lists = map[Runlevel][]string{}
	fields, in := Fields{}, map[string]Runlevel{}
	for _, level := range Runlevels() {
		fields[string(level)] = func(n *yaml.Node) {
			var names []string
			lines := map[string]int{}
			s.Names(&names, lines)(n)
			for _, name := range names {
				if other, twice := in[name]; twice {
					s.Faultf(lines[name], "service %q is already in the runlevel %s in line %d", name, other, s.wants.lines[name])
					continue
				}
				in[name], s.wants.lines[name] = level, lines[name]
				s.wants.lists[level] = append(s.wants.lists[level], name)
			}
		}
	}
	s.Mapping(n, fields)
}

// addServices appends the services that are not there yet, after those that the
// file does not want are gone.
func (m *merger) addServices(s *source) {
	for _, name := range s.withoutServices {
		if s.extends == "" {
			break // told already
		}
		if level, ok := m.RunlevelOf(name); ok {
			list := m.Services[level]
			m.Services[level] = slices.Delete(list, slices.Index(list, name), slices.Index(list, name)+1)
			delete(m.serviceAt, name)
			continue
		}
		m.faultf(s, s.droppedServices[name], "without_services: service %q is not inherited%s", name, DidYouMean(name, m.serviceNames()))
	}
	for _, level := range Runlevels() {
		for _, name := range s.wants.lists[level] {
			m.addService(s, level, name)
		}
	}
}

func (m *merger) addService(s *source, level Runlevel, name string) {
	other, there := m.RunlevelOf(name)
	switch {
	case !there:
		m.Services[level] = append(m.Services[level], name)
		m.serviceAt[name] = s.At(s.wants.lines[name])
	case other != level:
		m.faultf(s, s.wants.lines[name], "service %q is in the runlevel %s already (%s); name it under without_services to move it",
			name, other, m.serviceAt[name])
	}
}

// RunlevelOf returns the runlevel that holds a service, and whether one does.
func (t Target) RunlevelOf(name string) (Runlevel, bool) {
	for _, level := range Runlevels() {
		if slices.Contains(t.Services[level], name) {
			return level, true
		}
	}
	return "", false
}

// serviceNames are those of all runlevels.
func (t Target) serviceNames() []string {
	var names []string
	for _, level := range Runlevels() {
		names = append(names, t.Services[level]...)
	}
	return names
}

// ServiceAt tells file and line where the target puts a service into a runlevel,
// or the target's file if that is not known.
func (t Target) ServiceAt(name string) string {
	if at, ok := t.serviceAt[name]; ok {
		return at
	}
	return t.source()
}

// InitAt tells file and line where the target names its init, or the target's
// file if that is not known.
func (t Target) InitAt() string {
	if t.initAt != "" {
		return t.initAt
	}
	return t.source()
}
