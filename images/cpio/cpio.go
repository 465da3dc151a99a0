// Package cpio packs files as the initramfs of a Linux kernel: a cpio archive in
// the "newc" format, compressed.
//
// The same files give the same bytes: they are sorted, inode numbers are
// counted, and the only time in the archive is the epoch that the caller names.
package cpio

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// File is what one path of an archive holds.
type File struct {
	// Mode is the type and the permission bits, as stat(2) tells them.
	Mode     uint32
	UID, GID int
	// Content is that of a regular file, or where a symlink points.
	Content []byte
	// Major and Minor number a device.
	Major, Minor int64
}

// NewFile returns a regular file of root's, with permission bits.
func NewFile(mode uint32, content []byte) *File {
	return &File{Mode: unix.S_IFREG | mode, Content: content}
}

// Regular says whether it is a regular file.
func (f File) Regular() bool { return f.typ() == unix.S_IFREG }

// Directory says whether it is a directory.
func (f File) Directory() bool { return f.typ() == unix.S_IFDIR }

func (f File) typ() uint32 { return f.Mode & unix.S_IFMT }

// Tree holds files by path: clean, without a leading slash, the root itself not
// among them. Paths that share a File are hard links.
type Tree map[string]*File

// Add puts a file at a path. One that would change a directory into something
// else, or the other way round, is an error.
func (t Tree) Add(p string, f *File) error {
	if old := t[p]; old != nil && (old.typ() == unix.S_IFDIR) != (f.typ() == unix.S_IFDIR) {
		return fmt.Errorf("%s is a directory in one place and not in another", p)
	}
	t[p] = f
	return nil
}

// addParents adds the directories that the kernel would not make by itself.
func (t Tree) addParents() {
	for _, p := range slices.Collect(maps.Keys(t)) {
		for dir := path.Dir(p); dir != "." && t[dir] == nil; dir = path.Dir(dir) {
			t[dir] = &File{Mode: unix.S_IFDIR | 0o755}
		}
	}
}

// Write writes the tree as an uncompressed archive. All times are the epoch.
func (t Tree) Write(w io.Writer, epoch time.Time) error {
	t.addParents()
	out := newWriter(w, epoch)
	for _, f := range t {
		out.count(f)
	}
	// A parent is a prefix of its children, so it comes before them.
	for _, p := range slices.Sorted(maps.Keys(t)) {
		if err := out.file(p, t[p]); err != nil {
			return fmt.Errorf("writing %s to the archive: %w", p, err)
		}
	}
	return out.end()
}
