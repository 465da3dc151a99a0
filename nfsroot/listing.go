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
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
)

// A listing is a layer without the content of its files. Together with files of
// the same content, which other roots have, it unpacks as the layer does. The
// listings of a root's layers lie one behind the other in roots/<tag>.listings,
// and behind them one of the finished tree, as if it were a single layer, and the
// stamps of the files. Each is a gob stream packed with zstd; the inventory says
// where they are.

// listed is an entry of a layer, or a name of a finished tree: what unpacking looks
// at of a tar header.
type listed struct {
	Type           byte
	Name, Linkname string
	Size, Mode     int64
	UID, GID       int
	Sec            int64 // of the modification time
	Nsec           int
	Major, Minor   int64
	PAX            map[string]string
	Sum            []byte // SHA-256 of a regular file's content
}

func listedOf(hdr *tar.Header) listed {
	return listed{
		Type: hdr.Typeflag, Name: hdr.Name, Linkname: hdr.Linkname, Size: hdr.Size, Mode: hdr.Mode, UID: hdr.Uid, GID: hdr.Gid,
		Sec: hdr.ModTime.Unix(), Nsec: hdr.ModTime.Nanosecond(), Major: hdr.Devmajor, Minor: hdr.Devminor, PAX: hdr.PAXRecords,
	}
}

func (e *listed) header() tar.Header {
	return tar.Header{
		Typeflag: e.Type, Name: e.Name, Linkname: e.Linkname, Size: e.Size, Mode: e.Mode, Uid: e.UID, Gid: e.GID,
		ModTime: time.Unix(e.Sec, int64(e.Nsec)), Devmajor: e.Major, Devminor: e.Minor, PAXRecords: e.PAX,
	}
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
	tree   place
	stamps place
	zstd   *zstd.Encoder
	gob    *gob.Encoder
	batch  []listed // that were not written yet: gob is faster with many at once
}

const listedBatch = 256

func newLister(out *renameio.PendingFile) (*lister, error) {
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

// readListed hands the entries of a listing to each.
func readListed(part io.Reader, each func(*listed) error) error {
	return decodeAll(part, func(batch *[]listed) error {
		for i := range *batch {
			if err := each(&(*batch)[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// decodeAll hands what a part of the listings holds to each, one after the other.
func decodeAll[T any](part io.Reader, each func(*T) error) error {
	r, err := zstd.NewReader(part, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer r.Close()
	decoder := gob.NewDecoder(r)
	var e, none T
	for {
		e = none
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
