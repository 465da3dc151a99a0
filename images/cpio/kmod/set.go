package kmod

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images"
)

// Set is modules of one kernel with everything that they depend on.
type Set struct {
	release string
	modules map[string]*module
}

// String tells how many modules of which kernel there are, and their size.
func (s Set) String() string {
	return fmt.Sprintf("%d modules of kernel %s, %.1f MiB", s.Len(), s.release, float64(s.Size())/(1<<20))
}

// Len returns the number of modules.
func (s Set) Len() int { return len(s.modules) }

// Size returns the length of all modules in bytes, uncompressed.
func (s Set) Size() int64 {
	var n int64
	for _, m := range s.modules {
		n += int64(len(m.content))
	}
	return n
}

// Select picks the modules that a node needs to mount its root by NFS, and more
// ones by name, or by a pattern of their path such as drivers/net/usb/*.
// Modules that the kernel has built in need not be there.
func (d Dir) Select(more []string) (Set, error) {
	names, err := d.named(more)
	if err != nil {
		return Set{}, err
	}
	if err := d.checkNFS(); err != nil {
		return Set{}, err
	}
	s := selector{dir: d, set: Set{release: d.Release, modules: map[string]*module{}}}
	for _, name := range append(d.usual(), names...) {
		if err := s.add(name, ""); err != nil {
			return Set{}, err
		}
	}
	return s.set, nil
}

// named finds the modules that a user names, and tells all that there are not.
func (d Dir) named(more []string) ([]string, error) {
	var names []string
	var errs []error
	for _, want := range more {
		found := slices.DeleteFunc(slices.Sorted(maps.Keys(d.files)), func(name string) bool {
			return !matches([]string{want}, name, d.files[name])
		})
		if len(found) == 0 && !d.builtin[normal(want)] {
			known := slices.Sorted(maps.Keys(d.files))
			errs = append(errs, fmt.Errorf("unknown module %q of kernel %s%s", want, d.Release, images.DidYouMean(normal(want), known)))
		}
		names = append(names, found...)
	}
	return names, errors.Join(errs...)
}

// checkNFS refuses modules of a kernel that could not mount the root.
func (d Dir) checkNFS() error {
	if d.files["nfs"] != "" || d.builtin["nfs"] || d.builtin == nil {
		return nil
	}
	return fmt.Errorf("kernel %s has no NFS client: nfs is neither among the modules in %s nor built in", d.Release, d.root)
}

// selector adds modules and what they depend on.
type selector struct {
	dir    Dir
	set    Set
	crypto map[string][]string // names of modules by alias, read when first needed
}

// add adds a module that another needs, or that is wanted for itself.
func (s *selector) add(name, by string) error {
	if s.set.modules[name] != nil || s.dir.builtin[name] {
		return nil
	}
	if s.dir.files[name] == "" {
		if s.dir.builtin == nil {
			return nil // it may be built in
		}
		return fmt.Errorf("kernel module %s depends on %s, which is neither in %s nor built in", by, name, s.dir.root)
	}
	m, err := s.dir.module(name)
	if err != nil {
		return err
	}
	s.set.modules[name] = m
	for _, dep := range m.depends {
		if err := s.add(dep, name); err != nil {
			return err
		}
	}
	return s.addSoft(m)
}

// addSoft adds what a module had better find. An algorithm's name stands for
// every module that implements it.
func (s *selector) addSoft(m *module) error {
	for _, want := range slices.Concat(m.before, m.after) {
		names := []string{normal(want)}
		if s.dir.files[names[0]] == "" {
			if err := s.readCrypto(); err != nil {
				return err
			}
			names = s.crypto[want]
		}
		for _, name := range names {
			if err := s.add(name, m.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// readCrypto reads the aliases of all modules with algorithms. To read those of
// every module would take many times as long.
func (s *selector) readCrypto() error {
	if s.crypto != nil {
		return nil
	}
	s.crypto = map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(s.dir.files)) {
		file := s.dir.files[name]
		if !strings.HasPrefix(file, "kernel/crypto/") && !matches([]string{"arch/*/crypto/*"}, name, file) {
			continue
		}
		m, err := s.dir.module(name)
		if err != nil {
			return err
		}
		for _, alias := range m.aliases {
			s.crypto[alias] = append(s.crypto[alias], name)
		}
	}
	return nil
}
