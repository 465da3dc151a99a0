package unpack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// given is a file of another root that should hold what an entry wants: it lies
// there where it is to lie here.
type given struct {
	donor    *donor
	stamp    stamp
	renewals Renewals
	sum      [sha256.Size]byte
	size     int64
	dir      openDir
	leaf     string
	file     *os.File
}

// locate finds the file by the name that it is to have.
func (g *given) locate(dir, leaf string) (err error) {
	g.leaf = leaf
	if g.dir, err = g.donor.way.open(dir); err != nil {
		return &donorError{g.donor.Name, err}
	}
	return nil
}

// unchanged says whether the file is the one that was unpacked, or one of it
// cannot tell: then reading it does.
func (g *given) unchanged() (st unix.Stat_t, ok bool) {
	st, err := g.dir.stat(g.leaf)
	return st, err == nil && g.renewals.holds(g.stamp, st) && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == g.size
}

// open opens the file. That it still has the bytes that it had is for its reader
// to find out.
func (g *given) open() (err error) {
	if g.file != nil {
		_, err := g.file.Seek(0, io.SeekStart)
		return err
	}
	if g.file, err = g.dir.read(g.leaf); err != nil {
		return &donorError{g.donor.Name, err}
	}
	info, err := g.file.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != g.size) {
		err = g.damaged()
	}
	return err
}

func (g *given) close() error {
	if g.file == nil {
		return nil
	}
	return g.file.Close()
}

func (g *given) damaged() error {
	return &donorError{g.donor.Name, fmt.Errorf("%q is not what its image says: see rootbuild check", path.Join(g.dir.name, g.leaf))}
}

// Read tells a fault of the disk as one of the root: the layer can do without.
func (g *given) Read(b []byte) (int, error) {
	n, err := g.file.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &donorError{g.donor.Name, err}
	}
	return n, err
}

// check fails unless the bytes that were taken are those that were wanted.
func (g *given) check(sum [sha256.Size]byte) error {
	if sum != g.sum {
		return g.damaged()
	}
	return nil
}
