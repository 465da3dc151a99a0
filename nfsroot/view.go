package nfsroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// View is a directory of node roots that this process only reads. It needs no
// lock: roots never change, and every record and symlink is replaced whole.
type View struct {
	dir string
}

// maxRecord is how much of a file under .rootbuild is read at once, in bytes.
const maxRecord = 64 << 20

// OpenReadOnly returns a view of the store in dir, which may be locked by
// another process. A directory without roots of ours is an empty store; one
// that does not exist is an error that wraps [fs.ErrNotExist].
func OpenReadOnly(dir string) (*View, error) {
	v, err := newView(dir)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(v.dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("it is a %s: name a directory", safeopen.Kind(info.Mode()))
	}
	if err == nil {
		_, err = v.readVersion()
	}
	if err != nil {
		return nil, fmt.Errorf("opening nfsroot %s: %w", dir, err)
	}
	return &v, nil
}

// newView makes dir absolute, so that a later change of the working directory
// cannot move the store.
func newView(dir string) (View, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return View{}, fmt.Errorf("opening nfsroot %s: %w", dir, err)
	}
	return View{dir: abs}, nil
}

// Dir returns the absolute path of the store.
func (v *View) Dir() string { return v.dir }

// Path returns the absolute path of the root with this tag.
func (v *View) Path(tag string) string { return filepath.Join(v.dir, tag) }

// Current returns the tag that the symlink current names, empty when there is
// none. A link that someone else made is returned as it reads.
func (v *View) Current() (tag string, err error) {
	tag, err = os.Readlink(v.Path(currentName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading current of nfsroot %s: %w: it must be a symlink to a tag: move it away, then switch", v.dir, err)
	}
	return tag, nil
}

// List returns the complete roots, the newest first.
func (v *View) List() ([]Root, error) {
	tags, err := v.records(recordSuffix)
	if err != nil {
		return nil, err
	}
	var roots []Root
	for _, tag := range tags {
		root, err := v.root(tag)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		roots = append(roots, root)
	}
	sortNewestFirst(roots)
	return roots, nil
}

// meta returns a path under .rootbuild.
func (v *View) meta(elem ...string) string {
	return filepath.Join(append([]string{v.dir, ".rootbuild"}, elem...)...)
}

// exists says whether the directory of a root is there. As directories appear
// by rename only, it is then complete. Where the disk does not answer, that is
// an error: what cannot be seen is not gone.
func (v *View) exists(tag string) (bool, error) {
	info, err := os.Lstat(v.Path(tag))
	if missing(err) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// readVersion returns the version of the layout, 0 for a directory that is no
// store yet, and an error for a layout of a later rootbuild.
func (v *View) readVersion() (int, error) {
	path := v.meta("version")
	data, err := safeopen.Read(path, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || version < 1 {
		return 0, fmt.Errorf("reading %s: %q is no version", path, data)
	}
	if version > formatVersion {
		return 0, fmt.Errorf("%s says format %d, this rootbuild knows up to %d: use the rootbuild that wrote it, or a later one; nothing was changed", path, version, formatVersion)
	}
	return version, nil
}

// names returns the paths under which the store may be known: as it was named,
// and without symlinks.
func (v *View) names() ([]string, error) {
	real, err := filepath.EvalSymlinks(v.dir)
	if err != nil {
		return nil, err
	}
	return slices.Compact([]string{v.dir, real}), nil
}

// missing says whether an error is about what is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
