package unpack

import (
	"archive/tar"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// A listing is a layer without the content of its files. Together with files of
// the same content, which other roots have, it unpacks as the layer does. The
// listings of a root's layers lie one behind the other in its listings' file, and
// behind them one of the finished tree, as if it were a single layer, and the
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

// read hands a part of a root's listings to f, once it is what it was. It
// stays on the disk: there may be as many listed as an image has.
func (r Root) read(p place, f func(part io.ReadSeeker) error) (err error) {
	file, err := safeopen.File(r.Listings)
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
