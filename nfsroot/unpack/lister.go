package unpack

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// listingWindow bounds the memory that packing and unpacking a listing takes.
const listingWindow = 1 << 20

// lister writes the listings of an image's layers.
type lister struct {
	out    io.Writer
	size   int64     // bytes that were written
	from   int64     // where the part that is being written begins
	sum    hash.Hash // of that part
	places []listingPlace
	tree   place
	stamps place
	zstd   *zstd.Encoder
	gob    *gob.Encoder
	batch  []listed // that were not written yet: gob is faster with many at once
}

const listedBatch = 256

func newLister(out io.Writer) (*lister, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(listingWindow))
	if err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	return &lister{out: out, sum: sha256.New(), zstd: w, batch: make([]listed, 0, listedBatch)}, nil
}

// Write implements io.Writer, below the packing.
func (l *lister) Write(p []byte) (int, error) {
	n, err := l.out.Write(p)
	l.sum.Write(p[:n])
	l.size += int64(n)
	return n, err
}

// start begins a part.
func (l *lister) start() {
	l.from = l.size
	l.sum.Reset()
	l.zstd.Reset(l)
	l.gob = gob.NewEncoder(l.zstd)
}

// stop ends a part.
func (l *lister) stop() (place, error) {
	err := errors.Join(l.flush(), l.zstd.Close())
	return place{Offset: l.from, Size: l.size - l.from, Digest: l.digest()}, err
}

// add lists an entry that was unpacked, with the digest of what was written for it.
func (l *lister) add(hdr *tar.Header, sum []byte) error {
	e := listedOf(hdr)
	e.Sum = sum
	return l.list(e)
}

func (l *lister) list(e listed) error {
	if l.batch = append(l.batch, e); len(l.batch) < cap(l.batch) {
		return nil
	}
	return l.flush()
}

func (l *lister) flush() error {
	if len(l.batch) == 0 {
		return nil
	}
	err := l.gob.Encode(l.batch)
	clear(l.batch)
	l.batch = l.batch[:0]
	return err
}

// take lists a layer as another root did.
func (l *lister) take(diffID v1.Hash, part io.Reader) error {
	l.from = l.size
	l.sum.Reset()
	size, err := io.Copy(l, part)
	if err != nil {
		return err
	}
	l.places = append(l.places, listingPlace{diffID, place{Offset: l.from, Size: size, Digest: l.digest()}})
	return nil
}

// end finishes the listing of a layer.
func (l *lister) end(diffID v1.Hash) error {
	p, err := l.stop()
	l.places = append(l.places, listingPlace{diffID, p})
	return err
}

// digest is that of the part that is being written.
func (l *lister) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(l.sum.Sum(nil))}
}

// list puts the finished tree behind the listings of its layers, name by name.
func (t *tree) list() (err error) {
	t.lister.start()
	first := map[*inode]string{} // of those with several names
	for _, name := range t.names {
		if err := t.lister.list(t.listed(name, first)); err != nil {
			return err
		}
	}
	t.lister.tree, err = t.lister.stop()
	return err
}

func (t *tree) listed(name string, first map[*inode]string) listed {
	if d, ok := t.dirs[name]; ok {
		return d.listed(tar.TypeDir, name)
	}
	i := t.files[name].inode
	if holder, ok := first[i]; ok {
		return listed{Type: tar.TypeLink, Name: name, Linkname: holder}
	}
	if i.linked {
		first[i] = name
	}
	return i.listed(name)
}
