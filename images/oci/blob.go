package oci

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// blobWriter writes a blob whose digest is known only at its end.
type blobWriter struct {
	layout *Layout
	file   *os.File
	sum    hash.Hash
	size   int64
}

func (l *Layout) newBlob() (*blobWriter, error) {
	f, err := os.CreateTemp(l.dir, tempPrefix)
	if err != nil {
		return nil, fmt.Errorf("creating blob: %w", err)
	}
	return &blobWriter{layout: l, file: f, sum: sha256.New()}, nil
}

// Write implements io.Writer.
func (b *blobWriter) Write(p []byte) (int, error) {
	n, err := b.file.Write(p)
	b.sum.Write(p[:n])
	b.size += int64(n)
	return n, err
}

// commit keeps what was written under its digest. A blob that is there
// already is replaced: its bytes should be the same, and if the disk lost
// some, they are whole again.
func (b *blobWriter) commit() (v1.Hash, error) {
	h := digestOf(b.sum)
	err := errors.Join(b.file.Chmod(0o644), b.file.Sync())
	if err := errors.Join(err, b.file.Close()); err != nil {
		return v1.Hash{}, fmt.Errorf("writing blob %s: %w", h, err)
	}
	if err := b.layout.Adopt(b.file.Name(), h); err != nil {
		return v1.Hash{}, fmt.Errorf("keeping blob %s: %w", h, err)
	}
	b.file = nil
	return h, nil
}

// discard removes what was written, unless it was committed.
func (b *blobWriter) discard() {
	if b.file != nil {
		b.file.Close()
		os.Remove(b.file.Name())
	}
}

// Adopt gives a file below the layout's directory the name of the blob h. Its bytes
// were checked, and synced. The name is on the disk when the index is written next.
func (l *Layout) Adopt(file string, h v1.Hash) error {
	return os.Rename(file, l.BlobPath(h))
}

// writeBlob keeps data as a blob, and writes nothing if it is there already.
func (l *Layout) writeBlob(data []byte) (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(data))
	if err != nil {
		return v1.Hash{}, err
	}
	if have, err := safeopen.Read(l.BlobPath(h), safeopen.Unlimited); err == nil && bytes.Equal(have, data) {
		return h, nil
	}
	return l.fill(func(w io.Writer) error {
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("writing blob %s: %w", h, err)
		}
		return nil
	})
}

// fill keeps what write writes as a blob.
func (l *Layout) fill(write func(io.Writer) error) (v1.Hash, error) {
	b, err := l.newBlob()
	if err != nil {
		return v1.Hash{}, err
	}
	defer b.discard()
	if err := write(b); err != nil {
		return v1.Hash{}, err
	}
	return b.commit()
}

// readBlob returns a small blob whose bytes match its digest.
func (l *Layout) readBlob(h v1.Hash) ([]byte, error) {
	data, err := safeopen.Read(l.BlobPath(h), safeopen.Unlimited)
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", h, err)
	}
	if got, _, err := v1.SHA256(bytes.NewReader(data)); err != nil || got != h {
		return nil, errors.Join(fmt.Errorf("reading blob %s: its bytes have digest %s", h, got), err)
	}
	return data, nil
}

func digestOf(sum hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
