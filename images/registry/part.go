package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// part is a blob on its way into a layout. Its file outlives a break, and the
// next run goes on from there.
type part struct {
	layout *oci.Layout
	want   v1.Descriptor
	file   *os.File
	sum    hash.Hash
	size   int64
}

// parts is where a layout keeps them.
func parts(l *oci.Layout) string { return filepath.Join(l.Dir(), "partial") }

// openPart reads what an earlier run left of a blob, so that the sum goes on.
func openPart(l *oci.Layout, d v1.Descriptor) (*part, error) {
	if err := os.MkdirAll(parts(l), 0o755); err != nil {
		return nil, err
	}
	if err := safeopen.Subdir(parts(l)); err != nil {
		return nil, err
	}
	f, err := safeopen.Own(filepath.Join(parts(l), d.Digest.Hex), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{layout: l, want: d, file: f, sum: sha256.New()}
	p.size, err = io.Copy(p.sum, f)
	if err == nil && p.size > d.Size {
		err = p.restart()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// Write implements io.Writer.
func (p *part) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.sum.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// rest is how many bytes are missing.
func (p *part) rest() int64 { return p.want.Size - p.size }

// restart drops what is there.
func (p *part) restart() error {
	p.sum.Reset()
	p.size = 0
	err := p.file.Truncate(0)
	if err == nil {
		_, err = p.file.Seek(0, io.SeekStart)
	}
	return err
}

// check says whether the bytes, all of them, are those of the blob.
func (p *part) check() error {
	got := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(p.sum.Sum(nil))}
	if got != p.want.Digest {
		return &oci.DamagedError{Got: got}
	}
	return nil
}

// keep gives a checked part the name of its blob.
func (p *part) keep() error {
	err := errors.Join(p.file.Chmod(0o644), p.file.Sync())
	if err := errors.Join(err, p.file.Close()); err != nil {
		return err
	}
	return p.layout.Adopt(p.file.Name(), p.want.Digest)
}

// leave closes an unfinished part, and leaves no file where nothing came.
func (p *part) leave() error {
	err := p.file.Close()
	if p.size == 0 {
		err = errors.Join(err, os.Remove(p.file.Name()))
	}
	return err
}

// staleParts is how long an unfinished blob waits for its image to be pulled
// again.
const staleParts = 7 * 24 * time.Hour

// sweepParts removes what was left of blobs long ago.
func sweepParts(l *oci.Layout) error {
	if err := safeopen.Subdir(parts(l)); err != nil {
		return err
	}
	entries, err := os.ReadDir(parts(l))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		info, statErr := e.Info()
		if statErr == nil && time.Since(info.ModTime()) > staleParts {
			err = errors.Join(err, os.Remove(filepath.Join(parts(l), e.Name())))
		}
	}
	return err
}
