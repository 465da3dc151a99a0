package nfsroot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sys/unix"
)

// held is a regular file that a root holds, under the first of its names. The held
// files lie behind the root's listings, for a donor to find them by their content.
type held struct {
	Name   string
	Sum    [sha256.Size]byte
	Xattrs bool // it has some
	Stamp  stamp
}

// A stamp tells whether a file is the one that was unpacked, without reading it:
// its inode, and the time of the inode's last change, which a write, a chmod and a
// further link move, and which no call can set. What the disk lost by itself it
// does not tell.
type stamp struct {
	Inode   uint64
	Changed int64 // nanoseconds since 1970
}

func stampOf(st unix.Stat_t) stamp { return stamp{st.Ino, st.Ctim.Nano()} }

// listHeld puts the files of an unpacked tree behind its listings, once nothing
// changes them any more.
func (t *tree) listHeld() (err error) {
	dir, err := t.root.Open(".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	t.lister.start()
	err = t.each(func(name string, n Node) error {
		if n.Type != typeFile {
			return nil
		}
		var st unix.Stat_t
		if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("stat %q: %w", name, err)
		}
		return t.lister.gob.Encode(held{name, t.files[name].sum, len(n.Xattrs) > 0, stampOf(st)})
	})
	if err != nil {
		return err
	}
	t.lister.held, err = t.lister.stop()
	return err
}

// heldFiles are the files of a root, without a pointer for each: there may be as
// many as an image has.
type heldFiles struct {
	list  []heldFile // by content
	names []byte
}

type heldFile struct {
	sum      [sha256.Size]byte
	stamp    stamp
	from, to uint32 // of its name
	xattrs   bool
}

// readHeld returns the files that a root holds.
func (v *View) readHeld(tag string, p place) (*heldFiles, error) {
	files := &heldFiles{}
	err := v.readPlace(tag, p, func(part io.ReadSeeker) error {
		return decodeAll(part, func(h *held) error {
			from := len(files.names)
			files.names = append(files.names, h.Name...)
			files.list = append(files.list, heldFile{h.Sum, h.Stamp, uint32(from), uint32(len(files.names)), h.Xattrs})
			return nil
		})
	})
	slices.SortFunc(files.list, func(a, b heldFile) int { return bytes.Compare(a.sum[:], b.sum[:]) })
	return files, err
}

// find returns a file with this content.
func (f *heldFiles) find(sum [sha256.Size]byte) (held, bool) {
	i, ok := slices.BinarySearchFunc(f.list, sum, func(h heldFile, sum [sha256.Size]byte) int { return bytes.Compare(h.sum[:], sum[:]) })
	if !ok {
		return held{}, false
	}
	h := f.list[i]
	return held{string(f.names[h.from:h.to]), h.sum, h.xattrs, h.stamp}, true
}
