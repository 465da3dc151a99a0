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
	at    map[string]section
	links map[string]string
}

type section struct{ offset, size int64 }

func (t tarFiles) open(name string) (io.ReadCloser, error) {
	s, err := t.find(name)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.NewSectionReader(t.File, s.offset, s.size)), nil
}

// find returns where a file is. Older docker save makes links of layers that images
// share.
func (t tarFiles) find(name string) (section, error) {
	at := path.Clean(name)
	if to, ok := t.links[at]; ok {
		at = to
	}
	s, ok := t.at[at]
	if !ok {
		return s, fmt.Errorf("%q: %w", name, os.ErrNotExist)
	}
	return s, nil
}

// openTar finds where in a tar its files begin.
func openTar(file string) (_ tarFiles, err error) {
	f, err := safeopen.File(file)
	if err != nil {
		return tarFiles{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	t := tarFiles{f, map[string]section{}, map[string]string{}}
	for archive := tar.NewReader(f); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return tarFiles{}, err
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return tarFiles{}, err
		}
		switch name := path.Clean(h.Name); h.Typeflag {
		case tar.TypeReg:
			t.at[name] = section{offset, h.Size}
		case tar.TypeSymlink:
			t.links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			t.links[name] = path.Clean(h.Linkname)
		}
	}
}
