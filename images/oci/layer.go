package oci

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// LayerOptions says what of a layer does not come from its tar stream.
type LayerOptions struct {
	// Epoch is the time of every entry, in whole seconds. The zero value
	// stands for 1970-01-01.
	Epoch time.Time
}

// Layer is a layer in a layout. It can be kept as JSON.
type Layer struct {
	// Digest names the blob, the compressed tar.
	Digest v1.Hash `json:"digest"`
	// DiffID is the digest of the uncompressed tar.
	DiffID v1.Hash `json:"diffID"`
	// Size is the length of the blob in bytes.
	Size int64 `json:"size"`
	// Entries lists what the layer holds, sorted by path.
	Entries []Entry `json:"entries"`
}

// Ref returns what WriteImage needs of the layer. createdBy tells a reader of
// the image's history where the layer came from.
func (l Layer) Ref(createdBy string) LayerRef {
	return LayerRef{Digest: l.Digest, DiffID: l.DiffID, Size: l.Size, CreatedBy: createdBy}
}

// WriteLayer reads a tar stream, its entries in any order, and keeps it as a
// canonical layer, the same for the same files however they were packed:
//
//   - entries are sorted bytewise by path, and every parent directory is there,
//     0755 root:root if the stream has none;
//   - the root itself is kept, first, only if it is not a plain 0755 root:root;
//   - all times are the epoch; owners are numbers; of the extended attributes
//     only security.capability stays;
//   - the bytewise first of hard linked paths holds the content and the others
//     link to it, whichever came first in the stream;
//   - the tar is USTAR, and PAX for just the entries that need it, under zstd.
//
// A path twice, an absolute path or one with "..", a socket, an overlay
// whiteout, a name that is not UTF-8, or a path below something that is no
// directory is an error, and so is a stream without a tar's end. Contents wait in an unlinked file in the
// layout, never in memory.
func (l *Layout) WriteLayer(ctx context.Context, r io.Reader, o LayerOptions) (Layer, error) {
	layer, err := l.writeLayer(ctx, r, o)
	if err != nil {
		return Layer{}, fmt.Errorf("writing layer: %w", err)
	}
	return layer, nil
}

func (l *Layout) writeLayer(ctx context.Context, r io.Reader, o LayerOptions) (Layer, error) {
	content, err := newSpool(l.dir)
	if err != nil {
		return Layer{}, err
	}
	defer content.close()
	files, err := readTree(ctx, r, content)
	if err != nil {
		return Layer{}, err
	}
	nodes, err := files.canonical()
	if err != nil {
		return Layer{}, err
	}
	layer, err := l.encode(ctx, canonicalTar{nodes, content, o.Epoch})
	if err != nil {
		return Layer{}, err
	}
	layer.Entries = make([]Entry, 0, len(nodes))
	for _, n := range nodes {
		layer.Entries = append(layer.Entries, n.Entry)
	}
	return layer, nil
}

// encode writes a tar as a blob.
func (l *Layout) encode(ctx context.Context, t canonicalTar) (Layer, error) {
	blob, err := l.newBlob()
	if err != nil {
		return Layer{}, err
	}
	defer blob.discard()
	enc, err := newEncoder(blob)
	if err != nil {
		return Layer{}, err
	}
	diff := sha256.New()
	if err := t.write(ctx, io.MultiWriter(enc, diff)); err != nil {
		return Layer{}, err
	}
	if err := enc.Close(); err != nil {
		return Layer{}, err
	}
	digest, err := blob.commit()
	if err != nil {
		return Layer{}, err
	}
	return Layer{Digest: digest, DiffID: digestOf(diff), Size: blob.size}, nil
}

// newEncoder is the one encoder of layers. Its bytes are part of every image's
// digest: a change here, or in the module, fails the golden vectors. Level and
// window are the module's defaults, named so that they stay when those move;
// concurrency 1 keeps it to the calling goroutine.
func newEncoder(w io.Writer) (*zstd.Encoder, error) {
	return zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(8<<20),
		zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(1),
	)
}
