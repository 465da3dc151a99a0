package stages

import (
	"maps"
	"slices"
)

// configureKernel adds the target's lines to the configuration of its kernel.
func (s *resolver) configureKernel() {
	k := s.target.Kernel
	r, known := s.recipes[k.Recipe]
	if !known || len(k.Config) == 0 {
		return
	}
	if r.Build.System != systemKconfig {
		s.faultf(s.target.ConfigAt(k.Config[0]), "kernel.config: %s is built as it is: its build system is %s, not %s", k.Recipe, r.Build.System, systemKconfig)
		return
	}
	if step, own := r.Steps["configure"]; own {
		s.faultf(s.target.ConfigAt(k.Config[0]), "kernel.config: %s has a configure step of its own (%s:%d), which takes no lines", k.Recipe, r.File, step.Line)
		return
	}
	r.Build.Config = slices.Concat(r.Build.Config, k.Config)
	s.recipes = maps.Clone(s.recipes)
	s.recipes[k.Recipe] = r
}

// checkInitramfs holds the initramfs to a toolchain that builds as the root's does.
// What it needs at run time may be other things: an initramfs of static programs has
// no C library.
func (s *resolver) checkInitramfs() {
	i := s.target.Kernel.Initramfs
	if i == nil {
		return
	}
	if i.Libc == s.target.Libc {
		s.early = s.toolchain
		return
	}
	s.early = s.findToolchain(*i)
	a, b := s.toolchain, s.early
	if a.Name == "" || b.Name == "" {
		return // told already
	}
	if a.Chost != b.Chost || !slices.Equal(a.Tools, b.Tools) || !slices.Equal(a.BuildNeeds, b.BuildNeeds) {
		s.faultf(i.LibcAt(), "the initramfs of libc %q is built by another toolchain than the root of libc %q: %s and %s differ in chost, tools or build_needs",
			i.Libc, s.target.Libc, b.Name, a.Name)
	}
}

// appendNew appends the names that a list has not, to a copy.
func appendNew(list, more []string) []string {
	list = slices.Clone(list)
	for _, name := range more {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
