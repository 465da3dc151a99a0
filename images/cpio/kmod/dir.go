// Package kmod picks the kernel modules that an initramfs needs: those of the
// network and of NFS, and what they depend on.
package kmod

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Dir is the modules of one kernel.
type Dir struct {
	// Release is the kernel's version, as uname -r tells it.
	Release string

	root    string                            // as errors tell it
	read    func(file string) ([]byte, error) // of a path below root
	files   map[string]string                 // path below root, by module name
	builtin map[string]bool                   // names of what the kernel has without a module; nil if unknown
}

// Open reads what modules there are in dir, a directory such as
// /lib/modules/6.1.0-1-amd64, or one that holds exactly one such. It needs no
// modules.dep: the modules themselves tell what they depend on.
func Open(dir string) (Dir, error) {
	root, err := find(dir)
	if err != nil {
		return Dir{}, err
	}
	d := Dir{Release: filepath.Base(root), root: root, files: map[string]string{}}
	d.read = func(file string) ([]byte, error) {
		return safeopen.Read(filepath.Join(root, file), safeopen.Unlimited)
	}
	err = errors.Join(d.scan(), d.readBuiltin())
	if err != nil {
		return Dir{}, fmt.Errorf("reading kernel modules in %s: %w", root, err)
	}
	return d, nil
}

// treeDir is where a root has the modules of its kernels.
const treeDir = "usr/lib/modules"

// FromTree finds the modules of the one kernel that a root's tree holds.
func FromTree(t cpio.Tree) (Dir, error) {
	d := Dir{files: map[string]string{}}
	d.read = func(file string) ([]byte, error) {
		f := t[path.Join(treeDir, d.Release, file)]
		if f == nil {
			return nil, fs.ErrNotExist
		}
		return f.Content, nil
	}
	for p, f := range t {
		below, ok := strings.CutPrefix(p, treeDir+"/")
		release, file, deeper := strings.Cut(below, "/")
		if !ok || !deeper || !f.Regular() {
			continue
		}
		if d.Release != "" && d.Release != release {
			return Dir{}, fmt.Errorf("there are modules of several kernels, %s and %s", d.Release, release)
		}
		d.Release = release
		d.add(file)
	}
	if d.Release == "" {
		return Dir{}, fmt.Errorf("there are no kernel modules in /%s", treeDir)
	}
	d.root = "/" + path.Join(treeDir, d.Release)
	if err := d.readBuiltin(); err != nil {
		return Dir{}, fmt.Errorf("reading kernel modules in %s: %w", d.root, err)
	}
	return d, nil
}

// find returns the one directory of modules that dir is or holds.
func find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("reading kernel modules: %w", err)
	}
	if holdsModules(dir) {
		return dir, nil
	}
	var found []string
	for _, e := range entries {
		if holdsModules(filepath.Join(dir, e.Name())) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s holds no kernel modules: name a directory such as /lib/modules/VERSION, which has a directory kernel", dir)
	case 1:
		return filepath.Join(dir, found[0]), nil
	}
	return "", fmt.Errorf("%s holds the modules of several kernels, %s: name one of them, such as %s",
		dir, strings.Join(found, ", "), filepath.Join(dir, found[0]))
}

func holdsModules(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "kernel"))
	return err == nil && info.IsDir()
}

// scan finds the files of modules.
func (d Dir) scan() error {
	return filepath.WalkDir(d.root, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(d.root, file)
		if err != nil {
			return err
		}
		d.add(rel)
		return nil
	})
}

// add notes a file, if it is a module. Of one that is there twice at one rank, the
// last in the order of their paths counts, in whatever order they are added.
func (d Dir) add(file string) {
	name, ok := moduleName(file)
	old := d.files[name]
	if ok && (old == "" || rank(file) < rank(old) || rank(file) == rank(old) && file > old) {
		d.files[name] = file
	}
}

// moduleName returns the name of the module in a file, which the kernel spells
// with underscores, and whether it is one.
func moduleName(file string) (string, bool) {
	base := path.Base(file)
	name, ending, ok := strings.Cut(base, ".ko")
	if !ok || !slices.Contains(endings, ending) {
		return "", false
	}
	return normal(name), true
}

func normal(name string) string { return strings.ReplaceAll(name, "-", "_") }

// rank orders the places of a module that is there twice, as depmod does: an
// administrator's module goes before the kernel's own.
func rank(file string) int {
	switch top, _, _ := strings.Cut(file, "/"); top {
	case "updates":
		return 0
	case "kernel":
		return 2
	case "":
		return 3
	}
	return 1
}

// readBuiltin reads modules.builtin. Not all kernels come with one.
func (d *Dir) readBuiltin() error {
	text, err := d.read("modules.builtin")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d.builtin = map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, ok := moduleName(lines.Text()); ok {
			d.builtin[name] = true
		}
	}
	return nil
}
