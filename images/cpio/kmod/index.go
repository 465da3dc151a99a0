package kmod

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/cpio"
)

// AddTo adds the modules to an initramfs, with a modules.dep and a modules.alias
// for just these.
func (s Set) AddTo(t cpio.Tree) error {
	if s.Len() == 0 {
		return nil
	}
	dir := path.Join("usr/lib/modules", s.release)
	files := map[string][]byte{
		"modules.dep":   []byte(s.dependencies()),
		"modules.alias": []byte(s.aliases()),
	}
	for _, m := range s.modules {
		files[m.path] = m.content
	}
	for name, content := range files {
		if err := t.Add(path.Join(dir, name), cpio.NewFile(0o644, content)); err != nil {
			return fmt.Errorf("adding kernel modules: %w", err)
		}
	}
	return nil
}

// dependencies renders modules.dep: "MODULE: ..." with all that must be loaded
// before, the first one last.
func (s Set) dependencies() string {
	var b strings.Builder
	for _, name := range s.names() {
		order := s.loadOrder(name, nil)
		slices.Reverse(order)
		fmt.Fprintf(&b, "%s:", s.modules[name].path)
		for _, dep := range order[1:] {
			fmt.Fprintf(&b, " %s", s.modules[dep].path)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// loadOrder appends a module to a list, after what it depends on.
func (s Set) loadOrder(name string, list []string) []string {
	m := s.modules[name]
	if m == nil || slices.Contains(list, name) {
		return list
	}
	// modprobe of busybox knows no soft dependencies: those on modules by name
	// are made firm. Of an algorithm's modules not each loads on every machine.
	for _, dep := range slices.Concat(m.before, m.depends) {
		list = s.loadOrder(normal(dep), list)
	}
	return append(list, name)
}

// aliases renders modules.alias.
func (s Set) aliases() string {
	var b strings.Builder
	for _, name := range s.names() {
		for _, alias := range s.modules[name].aliases {
			fmt.Fprintf(&b, "alias %s %s\n", alias, name)
		}
	}
	return b.String()
}

func (s Set) names() []string { return slices.Sorted(maps.Keys(s.modules)) }
