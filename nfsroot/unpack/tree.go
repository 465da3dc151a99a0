package unpack

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symlinks one name may pass through, as in the kernel.
const maxLinks = 40

// tree is a root that is being unpacked into an empty directory. It knows
// every name in it, so that the disk need not be asked what is there.
//
// Names in it are canonical: relative to the root, and through directories
// only. Whatever a layer says, each change is made in a directory that the way
// leads to, or goes through an os.Root: neither leaves the tree.
type tree struct {
	root  *os.Root
	dirs  map[string]dirNode  // directories; their attributes are set at the end
	files map[string]leafNode // all else; hard links share their inode
	layer int32               // the one that is being applied, from 1

	limits  limits // what the image may still ask for
	refuse  Refusal
	labels  Labels
	dropped map[string]int // labels, and of how many files
	implied attr           // of directories that no entry describes
	way     way
	buf     []byte
	sum     hash.Hash // of the file being written
	wrote   *inode    // the file that was written last

	delta  *delta
	lister *lister
	names  []string // of the finished tree, sorted
	inodes []uint64 // of the files that the entries left, in their order
	spans  []span   // of the layers among the entries
}

// leafNode is a name that is no directory.
type leafNode struct {
	*inode
	layer int32 // the last that brought it
}

// dirNode is a directory.
type dirNode struct {
	attr
	layer   int32 // the last that brought it, or something below it
	emptied int32 // the last that hid what lower layers had in it
}

// newTree starts a tree in an empty directory. Directories that no entry
// describes will belong to this process and bear the time epoch.
func newTree(dir string, epoch time.Time) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	top, err := openWay(dir)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	implied := attr{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid()), mode: 0o755}.at(epoch)
	return &tree{
		root:    root,
		way:     top,
		dirs:    map[string]dirNode{".": {attr: implied}},
		files:   map[string]leafNode{},
		implied: implied,
		buf:     make([]byte, 1<<20),
		sum:     sha256.New(),
	}, nil
}

func (t *tree) close() error { return errors.Join(t.way.close(), t.root.Close()) }

// count returns the bytes in regular files, and the number of names.
func (t *tree) count() (size int64, files int) {
	seen := map[*inode]bool{}
	for _, f := range t.files {
		if f.linked && seen[f.inode] {
			continue
		}
		size += f.size
		if f.linked {
			seen[f.inode] = true
		}
	}
	return size, len(t.files) + len(t.dirs)
}

// finish completes the tree on disk, and describes it.
func (t *tree) finish() error {
	t.names = slices.AppendSeq(slices.AppendSeq(make([]string, 0, len(t.files)+len(t.dirs)), maps.Keys(t.files)), maps.Keys(t.dirs))
	slices.Sort(t.names)
	if err := t.finishDirs(); err != nil {
		return err
	}
	if err := t.list(); err != nil {
		return err
	}
	return t.listStamps()
}

// finishDirs gives directories their attributes: their content is complete now,
// so nothing moves their times, and nothing inherits from them. The deepest
// come first, for a parent may shut itself.
func (t *tree) finishDirs() error {
	for _, name := range slices.Backward(t.names) {
		if _, ok := t.dirs[name]; !ok {
			continue
		}
		if err := t.finishDir(name); err != nil {
			return fmt.Errorf("directory %q: %w", name, err)
		}
	}
	return nil
}

func (t *tree) finishDir(name string) error {
	dir, leaf := split(name)
	d, err := t.way.open(dir)
	if err != nil {
		return err
	}
	return t.dirs[name].applyAt(d, leaf, tar.TypeDir)
}

// resolve returns the canonical name of a directory, following symlinks that
// stay inside the root, and making directories that are missing. Without
// create, a missing one is an error that wraps fs.ErrNotExist.
func (t *tree) resolve(name string, create bool) (string, error) {
	if _, ok := t.dirs[name]; ok {
		return name, nil
	}
	at, links := ".", 0
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == ".." && at == "." {
			return "", fmt.Errorf("its parent %q leads outside the root", name)
		}
		// at has no symlink in it, so ".." is what path.Join makes of it.
		next := path.Join(at, part)
		target, err := t.step(next, create)
		if err != nil {
			return "", fmt.Errorf("its parent %q: %w", name, err)
		}
		if target == "" {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("its parent %q: %w", name, unix.ELOOP)
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}

// step looks at one name on the way to a directory, and returns the target
// if it is a symlink.
func (t *tree) step(name string, create bool) (target string, err error) {
	if err := t.limits.step(); err != nil {
		return "", err
	}
	if _, ok := t.dirs[name]; ok {
		return "", nil
	}
	if _, ok := t.files[name]; !ok {
		if !create {
			return "", fs.ErrNotExist
		}
		if err := t.limits.take(name, 0, 0); err != nil {
			return "", err
		}
		return "", t.mkdir(name, t.implied)
	}
	target, err = t.root.Readlink(name)
	switch {
	case errors.Is(err, unix.EINVAL):
		return "", fmt.Errorf("%q is not a directory", name)
	case err == nil && path.IsAbs(target):
		return "", fmt.Errorf("symlink %q is absolute: %q", name, target)
	}
	return target, err
}

// mkdir makes a directory, which gets its attributes in finish.
func (t *tree) mkdir(name string, a attr) error {
	dir, leaf := split(name)
	d, err := t.way.open(dir)
	if err != nil {
		return err
	}
	if err := unix.Mkdirat(d.fd, leaf, 0o700); err != nil {
		return pathError("mkdirat", name, err)
	}
	t.dirs[name] = dirNode{attr: a}
	return nil
}

// remove takes a name, and all below it, out of the tree.
func (t *tree) remove(name string) error {
	if err := t.way.leave(func(dir string) bool { return contains(name, dir) }); err != nil {
		return err
	}
	if err := t.forget(name); err != nil {
		return err
	}
	return t.root.RemoveAll(name)
}

// forget drops a name, and all below it. The disk says what is below: to look
// through all names for each directory that goes would be quadratic.
func (t *tree) forget(name string) error {
	if f, ok := t.files[name]; ok {
		t.inodes[f.entry] = 0
	}
	delete(t.files, name)
	if _, ok := t.dirs[name]; !ok {
		return nil
	}
	delete(t.dirs, name)
	below, err := t.below(name)
	if err != nil {
		return err
	}
	for _, leaf := range below {
		if err := t.forget(path.Join(name, leaf)); err != nil {
			return err
		}
	}
	return nil
}

// below returns the names in a directory.
func (t *tree) below(dir string) ([]string, error) {
	d, err := t.root.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}
