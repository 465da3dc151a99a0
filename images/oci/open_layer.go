package oci

import (
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// OpenLayer returns the uncompressed tar of a layer that WriteLayer made. As
// with the function OpenLayer, a reader must reach its end before it trusts
// what it read.
func (l *Layout) OpenLayer(layer Layer) (io.ReadCloser, error) {
	blob, err := os.Open(l.BlobPath(layer.Digest))
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
