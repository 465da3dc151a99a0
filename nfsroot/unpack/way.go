package unpack

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// way is the open directories from the top of a tree down to one of them: entries
// that follow each other lie in one directory, or in neighbours. It follows no
// symlink, so it never leaves the tree.
type way []openDir

// openDir is an open directory of a tree. What is made in it is named by one
// component, where nothing is.
type openDir struct {
	name string // canonical; "." at the top
	fd   int
}

const dirFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

func openWay(top string) (way, error) {
	fd, err := unix.Open(top, dirFlags, 0)
	if err != nil {
		return nil, pathError("open", top, err)
	}
	return way{{".", fd}}, nil
}

// open goes to the directory with this canonical name.
func (w *way) open(name string) (openDir, error) {
	if err := w.leave(func(dir string) bool { return !contains(dir, name) }); err != nil {
		return openDir{}, err
	}
	for at := w.last(); at.name != name; at = w.last() {
		from := 0
		if at.name != "." {
			from = len(at.name) + 1
		}
		part, _, _ := strings.Cut(name[from:], "/")
		fd, err := unix.Openat(at.fd, part, dirFlags, 0)
		if err != nil {
			return openDir{}, pathError("openat", name[:from+len(part)], err)
		}
		*w = append(*w, openDir{name[:from+len(part)], fd})
	}
	return w.last(), nil
}

func (w *way) last() openDir { return (*w)[len(*w)-1] }

// leave closes the last directories for as long as away says so of them; the top
// stays open.
func (w *way) leave(away func(name string) bool) error {
	var errs []error
	for len(*w) > 1 && away(w.last().name) {
		errs = append(errs, unix.Close(w.last().fd))
		*w = (*w)[:len(*w)-1]
	}
	return errors.Join(errs...)
}

func (w *way) close() error {
	err := w.leave(func(string) bool { return true })
	return errors.Join(err, unix.Close(w.last().fd))
}

// create makes a new file.
func (d openDir) create(leaf string) (*os.File, error) {
	fd, err := unix.Openat(d.fd, leaf, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, pathError("openat", leaf, err)
	}
	return os.NewFile(uintptr(fd), leaf), nil
}

// read opens a file that is there.
func (d openDir) read(leaf string) (*os.File, error) {
	fd, err := unix.Openat(d.fd, leaf, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, pathError("openat", leaf, err)
	}
	return os.NewFile(uintptr(fd), leaf), nil
}

// names are those in the directory, in no order.
func (d openDir) names() ([]string, error) {
	fd, err := unix.Openat(d.fd, ".", dirFlags, 0)
	if err != nil {
		return nil, pathError("openat", d.name, err)
	}
	f := os.NewFile(uintptr(fd), d.name)
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// readlink returns the target of a symlink.
func (d openDir) readlink(leaf string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, leaf, buf)
	if err != nil {
		return "", pathError("readlinkat", leaf, err)
	}
	return string(buf[:n]), nil
}

// stat does not follow a symlink.
func (d openDir) stat(leaf string) (st unix.Stat_t, err error) {
	err = unix.Fstatat(d.fd, leaf, &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, pathError("fstatat", leaf, err)
}

// contains says whether a canonical name is a directory's, or below it.
func contains(dir, name string) bool {
	return dir == "." || strings.HasPrefix(name, dir) && (len(name) == len(dir) || name[len(dir)] == '/')
}

// pathError names the call and the file of an error, where there is one.
func pathError(call, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: call, Path: name, Err: err}
}
