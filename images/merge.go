package images

import "slices"

// merge folds a target and those that it extends, itself first, into one. Its
// faults go to the file that is at fault.
func merge(chain []*source) *merger {
	m := &merger{top: chain[0], chain: chain, whole: whole(chain), keys: map[string]bool{}}
	m.packageAt, m.serviceAt, m.Services = map[string]string{}, map[string]string{}, map[Runlevel][]string{}
	for _, s := range slices.Backward(chain) {
		m.add(s)
	}
	m.check()
	m.settle()
	return m
}

// merger is a target that grows by one file after the other, and remembers
// which file brought what.
type merger struct {
	Target
	top    *source
	chain  []*source       // top first
	whole  bool            // every file was read, so what is missing is missing
	keys   map[string]bool // that any file has
	users  []origin[userEntry]
	groups []origin[groupEntry]
	files  []origin[fileEntry]
	tmpfs  []origin[TmpfsEntry]
	checks []origin[checkEntry]

	initramfs origin[string] // the name of its target
}

// origin is an entry and the file that it stands in.
type origin[T any] struct {
	entry T
	from  *source
}

// whole reports whether nothing of a chain could not be read.
func whole(chain []*source) bool {
	unread := func(s *source) bool { return s.keys == nil }
	return chain[len(chain)-1].extends == "" && !slices.ContainsFunc(chain, unread)
}

// faultf notes a fault that a file has if the target is whole.
func (m *merger) faultf(s *source, line int, format string, args ...any) {
	if m.whole {
		s.Faultf(line, format, args...)
	}
}

// add lays a file over those before it.
func (m *merger) add(s *source) {
	t := &m.Target
	for key := range s.keys {
		m.keys[key] = true
	}
	t.Name, t.Description, t.Source = s.target.Name, s.target.Description, s.place.file
	if s.target.Libc != "" {
		t.Libc, t.libcAt = s.target.Libc, s.At(s.keys["libc"])
	}
	if s.target.Init != "" {
		t.Init, t.initAt = s.target.Init, s.At(s.keys["init"])
	}
	if len(s.target.Platforms) > 0 {
		t.Platforms = s.target.Platforms
	}
	if !s.target.Epoch.IsZero() {
		t.Epoch = s.target.Epoch
	}
	t.RecipeDirs = append(t.RecipeDirs, s.target.RecipeDirs...)
	m.addPackages(s)
	m.addServices(s)
	m.addKernel(s)
	m.users = replace(m.users, s, s.users, func(u userEntry) string { return u.Name })
	m.groups = replace(m.groups, s, s.groups, func(g groupEntry) string { return g.Name })
	m.files = replace(m.files, s, s.files, func(f fileEntry) string { return f.Path })
	m.tmpfs = replace(m.tmpfs, s, s.tmpfs, func(e TmpfsEntry) string { return e.Path })
	m.checks = replace(m.checks, s, s.checks, func(c checkEntry) string { return c.Name })
}

// addPackages appends the packages that are not there yet, after those that the
// file does not want are gone.
func (m *merger) addPackages(s *source) {
	t := &m.Target
	for _, name := range s.without {
		i := slices.Index(t.Packages, name)
		if i < 0 && s.extends == "" {
			break // told already
		}
		if i < 0 {
			m.faultf(s, s.dropped[name], "without: package %q is not inherited%s", name, DidYouMean(name, t.Packages))
			continue
		}
		t.Packages = slices.Delete(t.Packages, i, i+1)
		delete(t.packageAt, name)
	}
	for _, name := range s.target.Packages {
		if slices.Contains(t.Packages, name) {
			continue
		}
		t.Packages = append(t.Packages, name)
		t.packageAt[name] = s.At(s.packages[name])
	}
}

// replace puts entries in the place of those of the same key, or at the end.
func replace[T any](list []origin[T], from *source, entries []T, key func(T) string) []origin[T] {
	for _, entry := range entries {
		same := func(o origin[T]) bool { return key(o.entry) == key(entry) }
		if i := slices.IndexFunc(list, same); i >= 0 {
			list[i] = origin[T]{entry, from}
		} else {
			list = append(list, origin[T]{entry, from})
		}
	}
	return list
}
