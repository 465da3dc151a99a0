package nfsroot

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// takeFile makes a file out of one of another root, by the cheapest way that the
// file system has. Whatever way, what is there in the end was read and hashed.
func (t *tree) takeFile(p parent, leaf string, i *inode, from *given) error {
	if t.delta.link {
		done, err := t.linkFile(p, leaf, i, from)
		if done || err != nil {
			return err
		}
	}
	f, err := p.root.OpenFile(leaf, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(t.cloneFile(f, p, leaf, i, from), f.Close()); err != nil {
		// The layer itself may come to this name next.
		return errors.Join(err, p.root.Remove(leaf))
	}
	return nil
}

func (t *tree) cloneFile(f *os.File, p parent, leaf string, i *inode, from *given) (err error) {
	cloned, err := t.reflink(f, from.File)
	if err != nil {
		return err
	}
	if cloned {
		err = t.hash(i, &given{File: f, donor: from.donor}, io.Discard)
	} else {
		err = t.hash(i, from, f)
	}
	if err != nil {
		return err
	}
	if err := from.check(i.sum); err != nil {
		return err
	}
	return i.applyTo(f, p.fd(), leaf)
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
func (t *tree) linkFile(p parent, leaf string, i *inode, from *given) (bool, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(from.Fd()), &st); err != nil {
		return false, err
	}
	key := inodeKey{st.Dev, st.Ino}
	if t.delta.linked[key] || !i.is(st) || hasXattrs(from.File) || len(i.xattrs) > 0 {
		return false, nil
	}
	if err := t.hash(i, from, io.Discard); err != nil {
		return false, err
	}
	if err := from.check(i.sum); err != nil {
		return false, err
	}
	// By its descriptor: what was read is what gets the name.
	err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", from.Fd()), p.fd(), leaf, unix.AT_SYMLINK_FOLLOW)
	switch {
	case errors.Is(err, unix.EMLINK), errors.Is(err, unix.EXDEV):
		_, err = from.Seek(0, io.SeekStart)
		return false, err
	case err != nil:
		return false, &os.LinkError{Op: "link", Old: from.name, New: leaf, Err: err}
	}
	t.delta.linked[key] = true
	return true, nil
}

// is says whether a file on disk has the attributes that an entry wants.
func (i *inode) is(st unix.Stat_t) bool {
	return int(st.Uid) == i.uid && int(st.Gid) == i.gid && st.Mode&0o7777 == unixMode(i.mode) && st.Mtim.Nano() == i.mtime.UnixNano()
}

func hasXattrs(f *os.File) bool {
	n, err := unix.Flistxattr(int(f.Fd()), nil)
	return err != nil || n > 0
}
