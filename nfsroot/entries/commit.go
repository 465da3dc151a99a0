package entries

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Commit shows loaders the set: first what is pointed to, then what points there, and
// what nothing points to any more goes last. Wherever it ends, each entry is whole,
// and names the root that it named before or the one that it is to name.
func (p *Pending) Commit() error {
	if err := p.commit(); err != nil {
		return fmt.Errorf("writing boot entries in %s: %w", p.dir, err)
	}
	return nil
}

func (p *Pending) commit() error {
	for _, moves := range [][]move{p.unstamped, p.inDirs, p.links, p.tops} {
		if err := rename(moves); err != nil {
			return err
		}
	}
	if err := p.removeTops(); err != nil {
		return err
	}
	if err := p.removeOwn(); err != nil {
		return err
	}
	if err := rename([]move{p.state}); err != nil {
		return err
	}
	return os.RemoveAll(p.path(ownName, stagingName))
}

// rename makes what was staged visible, and durable.
func rename(moves []move) error {
	dirs := map[string]bool{}
	for _, m := range moves {
		if err := os.Rename(m.from, m.to); err != nil {
			return err
		}
		dirs[filepath.Dir(m.to)] = true
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// removeTops removes rootbuild's files that the set does not have, where a site's own
// may lie too.
func (p *Pending) removeTops() error {
	files := []string{}
	for _, l := range languages {
		files = append(files, l.top)
	}
	nodes, err := os.ReadDir(p.path("pxelinux.cfg"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range nodes {
		files = append(files, path.Join("pxelinux.cfg", e.Name()))
	}
	for _, file := range files {
		if _, ok := p.r.tops[file]; ok {
			continue
		}
		if err := p.removeMarked(file); err != nil {
			return err
		}
	}
	for _, dir := range []string{".", "grub", "pxelinux.cfg"} {
		if err := syncDir(p.path(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeMarked removes a file if rootbuild wrote it. What cannot be read as one is not
// rootbuild's.
func (p *Pending) removeMarked(file string) error {
	info, err := os.Lstat(p.path(file))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := safeopen.Read(p.path(file), maxText)
	if err != nil || !marked(text) {
		return err
	}
	return os.Remove(p.path(file))
}

// removeOwn removes the links that the set does not have, then the directories of roots
// that no link can lead to any more, then menus.
func (p *Pending) removeOwn() error {
	list, err := os.ReadDir(p.path(ownName))
	if err != nil {
		return err
	}
	for _, e := range list {
		if _, ok := p.r.links[e.Name()]; e.Type()&fs.ModeSymlink != 0 && !ok {
			if err := os.Remove(p.path(ownName, e.Name())); err != nil {
				return err
			}
		}
	}
	for _, e := range list {
		// At once: a loader finds all of a root, or nothing.
		if _, ok := p.r.roots[e.Name()]; e.IsDir() && strings.Contains(e.Name(), "@") && !ok {
			if err := os.Rename(p.path(ownName, e.Name()), p.next()); err != nil {
				return err
			}
		}
	}
	for _, l := range languages {
		menu := path.Join(ownName, menuName, l.file)
		if _, ok := p.r.tops[menu]; ok {
			continue
		}
		if err := os.Remove(p.path(menu)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(p.path(ownName))
}

// Remove takes away all that was written for a store into the directory dir. Of one
// that is not there, nothing is left.
func Remove(dir, store string) error {
	have, err := readState(dir)
	if err != nil || have.Store != store {
		return err
	}
	p := &Pending{dir: dir}
	if err := p.removeTops(); err != nil {
		return err
	}
	// The state goes last: it says whose the rest is.
	own := p.path(ownName)
	list, err := os.ReadDir(own)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Name() != stateName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(own, e.Name())))
		}
	}
	if err == nil {
		err = errors.Join(os.RemoveAll(own), syncDir(dir))
	}
	if err != nil {
		return fmt.Errorf("removing the boot entries in %s: %w", dir, err)
	}
	return nil
}
