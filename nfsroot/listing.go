package nfsroot

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
)

// A listing is a layer without the content of its files. Together with files of
// the same content, which other roots have, it unpacks as the layer does. The
// listings of a root's layers lie one behind the other in roots/<tag>.listings,
// each a gob stream packed with zstd; the inventory says where they are.

// listed is an entry of a layer.
type listed struct {
	Header tar.Header
	Sum    [sha256.Size]byte // of a regular file's content
}

// listingPlace says where the listing of a layer is, and of which layer it is.
type listingPlace struct {
	DiffID v1.Hash `json:"diff_id"` // of the layer's tar
	place
}

// place is a part of the listings' file.
type place struct {
	Offset int64   `json:"offset"`
	Size   int64   `json:"size"`
	Digest v1.Hash `json:"digest"` // of the bytes that lie there
}

// listingWindow bounds the memory that packing and unpacking a listing takes.
const listingWindow = 1 << 20

// lister writes the listings of an image's layers.
type lister struct {
	out    *renameio.PendingFile
	size   int64     // bytes that were written
	from   int64     // where the part that is being written begins
	sum    hash.Hash // of that part
	places []listingPlace
	held   place
	zstd   *zstd.Encoder
	gob    *gob.Encoder
}

func newLister(out *renameio.PendingFile) (*lister, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(listingWindow))
	if err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	return &lister{out: out, sum: sha256.New(), zstd: w}, nil
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
	err := l.zstd.Close()
	return place{Offset: l.from, Size: l.size - l.from, Digest: l.digest()}, err
}

// add lists an entry that was unpacked.
func (l *lister) add(hdr *tar.Header, sum [sha256.Size]byte) error {
	// What unpacking looks at, and no more.
	return l.gob.Encode(listed{tar.Header{
		Typeflag: hdr.Typeflag, Name: hdr.Name, Linkname: hdr.Linkname, Size: hdr.Size, Mode: hdr.Mode, Uid: hdr.Uid, Gid: hdr.Gid,
		ModTime: hdr.ModTime, Devmajor: hdr.Devmajor, Devminor: hdr.Devminor, PAXRecords: hdr.PAXRecords,
	}, sum})
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

// readPlace hands a part of a root's listings to f, once it is what it was. It
// stays on the disk: there may be as many listed as an image has.
func (v *View) readPlace(tag string, p place, f func(part io.ReadSeeker) error) (err error) {
	file, err := os.Open(v.listingsPath(tag))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	part := io.NewSectionReader(file, p.Offset, p.Size)
	got, _, err := v1.SHA256(part)
	if err != nil {
		return err
	}
	if got != p.Digest {
		return fmt.Errorf("%s is damaged: what lies at %d has the digest %s, want %s", file.Name(), p.Offset, got, p.Digest)
	}
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f(part)
}

// decodeAll hands what a part of the listings holds to each, one after the other.
func decodeAll[T any](part io.Reader, each func(*T) error) error {
	r, err := zstd.NewReader(part, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer r.Close()
	decoder := gob.NewDecoder(r)
	for {
		var e T
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := each(&e); err != nil {
			return err
		}
	}
}
