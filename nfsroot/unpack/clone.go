package unpack

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// takeFile makes a file out of one of another root, by the cheapest way that the
// file system has. A file that is copied was read and hashed; one that is shared
// too, unless its stamp says that it is the one that was unpacked.
func (t *tree) takeFile(d openDir, leaf string, i *inode, from *given) error {
	if err := from.locate(d.name, leaf); err != nil {
		return err
	}
	if t.delta.link {
		done, err := t.linkFile(d, leaf, i, from)
		if done || err != nil {
			return err
		}
	}
	if err := from.open(); err != nil {
		return err
	}
	f, err := d.create(leaf)
	if err != nil {
		return err
	}
	if err := errors.Join(t.cloneFile(f, d, leaf, i, from), f.Close()); err != nil {
		// The layer itself may come to this name next.
		return errors.Join(err, unix.Unlinkat(d.fd, leaf, 0))
	}
	return nil
}

func (t *tree) cloneFile(f *os.File, d openDir, leaf string, i *inode, from *given) (err error) {
	cloned, err := t.reflink(f, from.file)
	if err != nil {
		return err
	}
	if err := t.vouch(f, i, from, cloned); err != nil {
		return err
	}
	return t.complete(f, d, leaf, i)
}

// vouch sees to it that the new file has the content that is wanted.
func (t *tree) vouch(f *os.File, i *inode, from *given, cloned bool) (err error) {
	if !cloned {
		w := holeWriter{file: f}
		err = cmp.Or(t.hash(i, from, &w), w.end())
	} else if _, unchanged := from.unchanged(); unchanged {
		i.size, i.sum = from.size, from.sum
	} else {
		err = t.hash(i, &given{file: f, donor: from.donor}, io.Discard)
	}
	if err != nil {
		return err
	}
	return from.check(i.sum)
}

// reflink has two files share their blocks until one of them is written, and
// says whether the file system can do that.
func (t *tree) reflink(to, from *os.File) (bool, error) {
	if t.delta.noReflink {
		return false, nil
	}
	err := unix.IoctlFileClone(int(to.Fd()), int(from.Fd()))
	for _, cannot := range []error{unix.EOPNOTSUPP, unix.ENOTTY, unix.EXDEV, unix.EINVAL, unix.ENOSYS} {
		if errors.Is(err, cannot) {
			t.delta.noReflink = true
			return false, nil
		}
	}
	return err == nil, err
}

// hash reads a file to its end, notes in the inode what it read, and writes it.
func (t *tree) hash(i *inode, from io.Reader, to io.Writer) (err error) {
	t.sum.Reset()
	if i.size, err = io.CopyBuffer(io.MultiWriter(to, t.sum), onlyReader{from}, t.buf); err != nil {
		return err
	}
	t.sum.Sum(i.sum[:0])
	return nil
}

// onlyReader hides that a file can write itself, which would not use the buffer.
type onlyReader struct{ io.Reader }

// linkFile gives the file of another root one more name, if it is in all what
// the entry wants. Two names that an image does not link stay two files.
func (t *tree) linkFile(d openDir, leaf string, i *inode, from *given) (bool, error) {
	st, unchanged := from.unchanged()
	if t.delta.linked[st.Ino] || !i.is(st) || len(i.xattrs()) > 0 {
		return false, nil
	}
	var err error
	if unchanged {
		i.size, i.sum = from.size, from.sum
		err = unix.Linkat(from.dir.fd, leaf, d.fd, leaf, 0)
	} else {
		err = t.linkRead(d, leaf, i, from)
		t.delta.linked[st.Ino] = true
	}
	switch {
	case errors.Is(err, unix.EMLINK), errors.Is(err, unix.EXDEV), errors.Is(err, errHasXattrs):
		return false, nil
	case err != nil:
		return false, pathError("linkat", leaf, err)
	}
	t.inodes[i.entry] = st.Ino
	return true, nil
}

var errHasXattrs = errors.New("it has extended attributes")

// linkRead links a file once it has been read.
func (t *tree) linkRead(d openDir, leaf string, i *inode, from *given) error {
	if err := from.open(); err != nil {
		return err
	}
	if hasXattrs(from.file) {
		return errHasXattrs
	}
	if err := t.hash(i, from, io.Discard); err != nil {
		return err
	}
	if err := from.check(i.sum); err != nil {
		return err
	}
	// By its descriptor: what was read is what gets the name.
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", from.file.Fd()), d.fd, leaf, unix.AT_SYMLINK_FOLLOW)
}

// is says whether a file on disk has the attributes that an entry wants.
func (i *inode) is(st unix.Stat_t) bool {
	return st.Uid == i.uid && st.Gid == i.gid && st.Mode&modeBits == i.mode && st.Mtim.Sec == i.sec && st.Mtim.Nsec == int64(i.nsec)
}

func hasXattrs(f *os.File) bool {
	n, err := unix.Flistxattr(int(f.Fd()), nil)
	return err != nil || n > 0
}
