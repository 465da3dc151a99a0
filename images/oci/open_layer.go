package oci

import (
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// OpenLayer returns the uncompressed tar of a layer that WriteLayer made. As
// with the function OpenLayer, a reader must reach its end before it trusts
// what it read.
func (l *Layout) OpenLayer(layer Layer) (io.ReadCloser, error) {
	blob, err := safeopen.File(l.BlobPath(layer.Digest))
	if err != nil {
		return nil, fmt.Errorf("opening layer: %w", err)
	}
	want := v1.Descriptor{MediaType: types.OCILayerZStd, Size: layer.Size, Digest: layer.Digest}
	r, err := newLayerReader(blob, want, layer.DiffID)
	if err != nil {
		return nil, fmt.Errorf("opening layer: %w", err)
	}
	return r, nil
}

// OpenUnchecked is OpenLayer without the checks, which take time. It is for who looks
// at a layer that is checked when it is used.
func (l *Layout) OpenUnchecked(layer Layer) (io.ReadCloser, error) {
	blob, err := safeopen.File(l.BlobPath(layer.Digest))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(blob, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return unchecked{dec, blob}, nil
}

type unchecked struct {
	*zstd.Decoder
	blob io.Closer
}

// Close implements io.Closer.
func (u unchecked) Close() error {
	u.Decoder.Close()
	return u.blob.Close()
}
