package nfsroot

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// exported knows the directories of a store by device and inode, for a server may
// export them under other paths than theirs.
type exported struct {
	store fileID
	roots map[fileID]string // tags of roots, and of what is in the trash
	above map[fileID]bool   // the directories that the store lies in
	tags  map[string]bool
}

type fileID struct{ dev, ino uint64 }

// identify follows symlinks.
func identify(path string) (fileID, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return fileID{st.Dev, st.Ino}, pathError("stat", path, err)
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// exported looks at the store's directories.
func (v *View) exported(tags map[string]bool) (e exported, err error) {
	e = exported{roots: map[fileID]string{}, above: map[fileID]bool{}, tags: tags}
	real, err := filepath.EvalSymlinks(v.dir)
	if err != nil {
		return e, err
	}
	if e.store, err = identify(real); err != nil {
		return e, err
	}
	for dir := real; dir != "/"; {
		dir = filepath.Dir(dir)
		id, err := identify(dir)
		if err != nil {
			return e, err
		}
		e.above[id] = true
	}
	trash, err := v.trash()
	if err != nil {
		return e, err
	}
	for _, t := range trash {
		if err := e.add(v.meta("trash", t.name), t.Tag); err != nil {
			return e, err
		}
	}
	for tag := range tags {
		if err := e.add(v.Path(tag), tag); err != nil {
			return e, err
		}
	}
	return e, nil
}

// add notes the directory of a root, if it is there.
func (e exported) add(dir, tag string) error {
	id, err := identify(dir)
	if err == nil {
		e.roots[id] = tag
	} else if !missing(err) {
		return err
	}
	return nil
}

// holds says which root the mount of a path holds, or why it may hold any; neither
// for one that is none of the store's. The path is the server's: it may name what is
// elsewhere here, or nothing.
func (e exported) holds(mounted string) (tag, why string) {
	for at := "/"; ; {
		id, err := identify(at)
		real, evalErr := filepath.EvalSymlinks(at)
		rest, _ := strings.CutPrefix(mounted, strings.TrimSuffix(at, "/"))
		next, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		switch {
		case err != nil || evalErr != nil:
			return e.unknown(mounted)
		case id == e.store:
			return e.below(mounted, next)
		case real == at && e.roots[id] != "":
			return e.roots[id], ""
		case real != at && e.inRoot(real):
			return "", fmt.Sprintf("which mounts %s, a symlink to what it was then", unpack.Name(mounted))
		case next == "" && e.above[id]:
			return "", "which mounts " + unpack.Name(mounted).String()
		case next == "":
			return "", ""
		}
		at = path.Join(at, next)
	}
}

// below says what the name of a store's directory holds.
func (e exported) below(mounted, name string) (tag, why string) {
	switch {
	case name == "" || name == ".rootbuild":
		return "", "which mounts " + unpack.Name(mounted).String()
	case name == currentName:
		return "", "which mounts current as it was then"
	case e.tags[name]:
		return name, ""
	}
	return "", ""
}

// unknown goes by the last name of a path that leads nowhere here.
func (e exported) unknown(mounted string) (tag, why string) {
	if name := path.Base(mounted); e.tags[name] {
		return name, ""
	}
	return "", fmt.Sprintf("which mounts %s, and here is no such path", unpack.Name(mounted))
}

// inRoot says whether a path without symlinks is that of a root, or below one.
func (e exported) inRoot(real string) bool {
	for ; real != "/"; real = filepath.Dir(real) {
		if id, err := identify(real); err == nil && e.roots[id] != "" {
			return true
		}
	}
	return false
}
