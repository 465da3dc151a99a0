package nfsroot

import (
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"

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

// held looks at the files of an unpacked tree, once nothing changes them any more.
func (t *tree) held() (_ []held, err error) {
	dir, err := t.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	list := []held{}
	for _, n := range t.nodes {
		if n.Type != typeFile {
			continue
		}
		var st unix.Stat_t
		if err := unix.Fstatat(int(dir.Fd()), string(n.Name), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return nil, fmt.Errorf("stat %q: %w", n.Name, err)
		}
		list = append(list, held{string(n.Name), t.files[string(n.Name)].sum, len(n.Xattrs) > 0, stampOf(st)})
	}
	return list, nil
}

// addHeld puts the files of the root behind the listings.
func (l *lister) addHeld(list []held) (place, error) {
	at := int64(l.packed.Len())
	l.zstd.Reset(&l.packed)
	encoder := gob.NewEncoder(l.zstd)
	for _, h := range list {
		if err := encoder.Encode(h); err != nil {
			return place{}, fmt.Errorf("internal error: encoding %q: %w", h.Name, err)
		}
	}
	if err := l.zstd.Close(); err != nil {
		return place{}, err
	}
	return l.placeFrom(at)
}

// readHeld returns the files that a root holds, by content.
func (v *View) readHeld(tag string, p place) (map[[sha256.Size]byte]held, error) {
	data, err := v.readPlace(tag, p)
	if err != nil {
		return nil, err
	}
	files := map[[sha256.Size]byte]held{}
	return files, decodeAll(data, func(h *held) error {
		files[h.Sum] = *h
		return nil
	})
}
