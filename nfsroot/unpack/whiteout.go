package unpack

import (
	"errors"
	"io/fs"
	"path"
)

// Whiteouts, by the image specification: an entry ".wh.x" hides x, and
// ".wh..wh..opq" all content of its directory, of the layers below only.
const (
	whiteoutPrefix = ".wh."
	opaqueSuffix   = ".wh..opq"
)

// whiteout hides the name in dir, or all in it. What is not there needs no
// hiding.
func (t *tree) whiteout(dir, hidden string) error {
	if hidden == "" || hidden == "." || hidden == ".." {
		return errors.New("it is a whiteout of no name")
	}
	dir, err := t.resolve(dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if hidden == opaqueSuffix {
		return t.hideBelow(dir)
	}
	return t.hide(path.Join(dir, hidden))
}

// hide removes a name unless this layer brought it: a whiteout may come after
// what stands in its own layer.
func (t *tree) hide(name string) error {
	if !t.has(name) {
		return nil
	}
	if !t.brought(name) {
		return t.remove(name)
	}
	if _, ok := t.dirs[name]; ok {
		return t.hideBelow(name)
	}
	return nil
}

// hideBelow empties a directory of what lower layers brought. Once is enough
// for a layer, however often it asks.
func (t *tree) hideBelow(dir string) error {
	d := t.dirs[dir]
	if d.emptied == t.layer {
		return nil
	}
	d.emptied = t.layer
	t.dirs[dir] = d
	names, err := t.below(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.hide(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// mark notes that this layer brought a directory, or something in it, and so keeps
// the way to it.
func (t *tree) mark(dir string) {
	for dir != "." {
		d := t.dirs[dir]
		if d.layer == t.layer {
			return
		}
		d.layer = t.layer
		t.dirs[dir] = d
		dir, _ = split(dir)
	}
}

// brought says whether this layer has brought a name.
func (t *tree) brought(name string) bool {
	if d, ok := t.dirs[name]; ok {
		return d.layer == t.layer
	}
	return t.files[name].layer == t.layer
}
