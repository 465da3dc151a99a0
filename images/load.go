package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const targetFile = "target.yaml"

// Load reads a target and those that it extends. The name is that of an
// embedded target, or the path of a file: it then holds a slash or ends in
// .yaml. The error tells every fault of all the files, each with file and line.
func Load(name string) (Target, error) {
	at, err := locate(name)
	if err != nil {
		return Target{}, err
	}
	m, err := load(at)
	if err != nil {
		return Target{}, err
	}
	if err := m.loadInitramfs(); err != nil {
		return Target{}, err
	}
	return m.Target, nil
}

// load reads a target and those that it extends, without that of its initramfs.
func load(at place) (*merger, error) {
	text, err := fs.ReadFile(at.fsys, at.name)
	if err != nil {
		return nil, fmt.Errorf("reading target %s: %w", at.file, err)
	}
	chain := readChain(at, text)
	m := merge(chain)
	var errs []error
	for _, s := range chain {
		errs = append(errs, s.Err())
	}
	return m, errors.Join(errs...)
}

// place is where the file of a target stands.
type place struct {
	fsys fs.FS  // the directory of the file
	name string // of the file in fsys
	file string // as errors tell it
	dir  string // of the file on disk, empty for an embedded target
}

// locate finds a target by the name that a user gives.
func locate(name string) (place, error) {
	if isPath(name) {
		dir, base := filepath.Split(filepath.Clean(name))
		dir = filepath.Clean(dir)
		return place{os.DirFS(dir), base, name, dir}, nil
	}
	if _, err := fs.Stat(embedded, path.Join(name, targetFile)); !nameForm.MatchString(name) || err != nil {
		return place{}, fmt.Errorf("unknown target %q%s (embedded: %s; the path of a file holds a slash or ends in .yaml)",
			name, DidYouMean(name, Names()), strings.Join(Names(), ", "))
	}
	fsys, err := fs.Sub(embedded, name)
	if err != nil {
		return place{}, fmt.Errorf("internal error: %w", err)
	}
	return place{fsys: fsys, name: targetFile, file: path.Join("images", name, targetFile)}, nil
}

func isPath(name string) bool {
	return strings.Contains(name, "/") || strings.HasSuffix(name, ".yaml")
}

// beside finds the target that the one at p extends.
func (p place) beside(name string) (place, error) {
	switch {
	case !isPath(name) || filepath.IsAbs(name):
		return locate(name)
	case p.dir == "":
		return place{}, errors.New("an embedded target extends embedded targets only")
	}
	file := filepath.Join(p.dir, name)
	if !isPath(file) {
		return place{}, fmt.Errorf("the file %s does not end in .yaml", file)
	}
	return locate(file)
}

// id is one for all names of a file.
func (p place) id() string {
	if p.dir == "" {
		return p.file
	}
	file := filepath.Join(p.dir, p.name)
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	return "file:" + file
}

// readChain reads a target and those that it extends, itself first. What keeps
// a target from being extended is a fault of the file that names it.
func readChain(at place, text []byte) []*source {
	var chain []*source
	seen := map[string]bool{}
	for {
		seen[at.id()] = true
		s := decode(at, text)
		chain = append(chain, s)
		if s.extends == "" {
			return chain
		}
		next, err := at.beside(s.extends)
		switch {
		case err != nil:
			s.Faultf(s.keys["extends"], "extends: %s", err)
			return chain
		case seen[next.id()]:
			s.Faultf(s.keys["extends"], "extends: cycle: %s", cycle(chain, next))
			return chain
		}
		if text, err = fs.ReadFile(next.fsys, next.name); err != nil {
			s.Faultf(s.keys["extends"], "extends: reading target %s: %s", next.file, err)
			return chain
		}
		at = next
	}
}

// cycle tells the files from the first visit of a place to its second.
func cycle(chain []*source, again place) string {
	var files []string
	for _, s := range chain {
		if len(files) > 0 || s.place.id() == again.id() {
			files = append(files, s.place.file)
		}
	}
	return strings.Join(append(files, again.file), " -> ")
}
