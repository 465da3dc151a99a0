package unpack

import (
	"encoding/gob"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Renewals tell of files that lost a name and are else as they were: a root that had
// them by hard links was removed. Without them a stamp would not hold any more. They
// go by inode, and hold for one file system.
type Renewals map[uint64]renewal

// renewal is the time of an inode's last change before names were taken from it, and
// after, in nanoseconds since 1970.
type renewal struct{ Before, After int64 }

// ReadRenewals reads what [Renewals.Write] wrote.
func ReadRenewals(r io.Reader) (Renewals, error) {
	list := Renewals{}
	return list, gob.NewDecoder(r).Decode(&list)
}

// Write writes them.
func (r Renewals) Write(w io.Writer) error { return gob.NewEncoder(w).Encode(r) }

// RemoveAll removes a tree that nobody changes meanwhile, and notes the files of it
// that have other names.
func (r Renewals) RemoveAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return r.unlink(path)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// unlink removes a name of a file. It looks at the file just before and after, so
// that what was written into it before is not renewed.
func (r Renewals) unlink(path string) (err error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return pathError("open", path, err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	var before, after unix.Stat_t
	err = errors.Join(unix.Fstat(fd, &before), unix.Unlink(path), unix.Fstat(fd, &after))
	if err != nil {
		return pathError("unlink", path, err)
	}
	if after.Nlink == 0 {
		delete(r, after.Ino)
		return nil
	}
	from := before.Ctim.Nano()
	if known, ok := r[after.Ino]; ok && known.After == from {
		from = known.Before
	}
	r[after.Ino] = renewal{from, after.Ctim.Nano()}
	return nil
}

// holds says whether the file is the one that was unpacked, or would be but for
// names that it lost.
func (r Renewals) holds(s stamp, st unix.Stat_t) bool {
	if known, ok := r[st.Ino]; ok && known.After == st.Ctim.Nano() {
		st.Ctim = unix.NsecToTimespec(known.Before)
	}
	return s.holds(st)
}
