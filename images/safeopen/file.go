// Package safeopen opens files and directories that somebody else may have prepared:
// only regular files, without waiting for one, and only directories that nobody but
// root and the caller can change.
package safeopen

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// File opens the regular file at path for reading; a symlink to one will do. A FIFO,
// which may never open, a device, which acts when it is opened, and anything else are
// an error at once.
func File(path string) (*os.File, error) {
	return open(path, os.Stat, os.OpenFile)
}

// FileIn is File for a path below root, which no symlink leads out of.
func FileIn(root *os.Root, path string) (*os.File, error) {
	return open(path, root.Stat, root.OpenFile)
}

// Unlimited is a limit for files whose size something else bounds.
const Unlimited = math.MaxInt64 - 1

// Read returns what the regular file at path holds. The limit is in bytes; a file of
// more is an error.
func Read(path string, limit int64) ([]byte, error) {
	f, err := File(path)
	return read(f, err, limit)
}

// ReadIn is Read for a path below root, which no symlink leads out of.
func ReadIn(root *os.Root, path string, limit int64) ([]byte, error) {
	f, err := FileIn(root, path)
	return read(f, err, limit)
}

// Own opens the regular file at path with flag, and creates it with mode if flag says
// so. It belongs to root or the caller and is no symlink: what is written goes there,
// and nowhere else.
func Own(path string, flag int, mode fs.FileMode) (*os.File, error) {
	openFile := func(path string, nonblock int, _ fs.FileMode) (*os.File, error) {
		return os.OpenFile(path, flag|nonblock|unix.O_NOFOLLOW, mode)
	}
	f, err := open(path, os.Lstat, openFile)
	if flag&os.O_CREATE != 0 && errors.Is(err, fs.ErrNotExist) {
		f, err = openFile(path, unix.O_NONBLOCK, mode)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkOwner(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// open looks before it opens, for some devices act then, and again afterwards, for
// the file may have been exchanged.
func open(path string, stat func(string) (fs.FileInfo, error), openFile func(string, int, fs.FileMode) (*os.File, error)) (*os.File, error) {
	info, err := stat(path)
	if err == nil {
		err = checkRegular(path, info)
	}
	if err != nil {
		return nil, err
	}
	f, err := openFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil {
		err = checkRegular(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// KindError says that something is not what was to be opened.
type KindError struct {
	Path string
	Have fs.FileMode // type bits
	Want string      // such as "regular file"
}

// Error says what is there.
func (e *KindError) Error() string {
	return fmt.Sprintf("%s is a %s, not a %s", e.Path, Kind(e.Have), e.Want)
}

func checkRegular(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &KindError{path, info.Mode().Type(), "regular file"}
	}
	return nil
}

// Kind names the type of a file to a person.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symlink"
	case mode&fs.ModeNamedPipe != 0:
		return "FIFO"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

func read(f *os.File, err error, limit int64) (_ []byte, _ error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", f.Name(), limit)
	}
	return data, err
}
