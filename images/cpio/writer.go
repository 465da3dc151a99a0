package cpio

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"golang.org/x/sys/unix"
)

const (
	magic   = "070701"
	trailer = "TRAILER!!!"

	// The kernel reads no longer path.
	maxPath = unix.PathMax - 1
)

// writer writes entries of a newc archive.
type writer struct {
	w      io.Writer
	offset int64
	epoch  int64
	inodes map[*File]int
	links  map[*File]*links
}

func newWriter(w io.Writer, epoch time.Time) *writer {
	return &writer{w: w, epoch: epoch.Unix(), inodes: map[*File]int{}, links: map[*File]*links{}}
}

// links counts the paths of a file: all, and those that are written.
type links struct{ all, written int }

// count notes one path of a file, before any is written.
func (w *writer) count(f *File) {
	if w.links[f] == nil {
		w.links[f] = &links{}
	}
	w.links[f].all++
}

// file writes one path. The last path of a hard linked file holds the content.
func (w *writer) file(path string, f *File) error {
	if len(f.Content) > math.MaxUint32 || len(path) > maxPath {
		return errors.New("it is too long for this format")
	}
	if w.inodes[f] == 0 {
		w.inodes[f] = len(w.inodes) + 1
	}
	l := w.links[f]
	l.written++
	e := entry{inode: w.inodes[f], links: l.all, file: *f}
	if f.typ() == unix.S_IFDIR {
		e.links = 2
	}
	if l.written < l.all {
		e.file.Content = nil
	}
	return w.entry(path, e)
}

// entry is what an archive says of a path.
type entry struct {
	inode, links int
	file         File
}

// entry writes a header, a path and a content, each padded to 4 bytes.
func (w *writer) entry(path string, e entry) error {
	f := e.file
	header := magic
	for _, n := range []int64{
		int64(e.inode), int64(f.Mode), int64(f.UID), int64(f.GID), int64(e.links), w.epoch, int64(len(f.Content)),
		0, 0, f.Major, f.Minor, int64(len(path)) + 1, 0,
	} {
		if n < 0 || n > math.MaxUint32 {
			return fmt.Errorf("the number %d does not fit into this format", n)
		}
		header += fmt.Sprintf("%08x", n)
	}
	if err := w.padded([]byte(header + path + "\x00")); err != nil {
		return err
	}
	return w.padded(f.Content)
}

// end closes the archive, and pads it so that another may follow.
func (w *writer) end() error {
	if err := w.entry(trailer, entry{links: 1}); err != nil {
		return err
	}
	const block = 512
	return w.write(make([]byte, (block-w.offset%block)%block))
}

func (w *writer) padded(p []byte) error {
	if err := w.write(p); err != nil {
		return err
	}
	return w.write(make([]byte, (4-w.offset%4)%4))
}

func (w *writer) write(p []byte) error {
	n, err := w.w.Write(p)
	w.offset += int64(n)
	return err
}
