package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// files are those of a layout that is only read, by their names in it.
type files interface {
	open(name string) (io.ReadCloser, error)
	io.Closer
}

// dirFiles are a directory's. A link may not lead out of it.
type dirFiles struct{ *os.Root }

func (d dirFiles) open(name string) (io.ReadCloser, error) { return safeopen.FileIn(d.Root, name) }

// tarFiles are those of a tar, which is read in place.
type tarFiles struct {
	*os.File
	at map[string]section
}

type section struct{ offset, size int64 }

func (t tarFiles) open(name string) (io.ReadCloser, error) {
	s, ok := t.at[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(t.File, s.offset, s.size)), nil
}

// openTar finds where in a tar its files begin.
func openTar(file string) (_ files, err error) {
	f, err := safeopen.File(file)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	t := tarFiles{f, map[string]section{}}
	for archive := tar.NewReader(f); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			t.at[path.Clean(h.Name)] = section{offset, h.Size}
		}
	}
}
