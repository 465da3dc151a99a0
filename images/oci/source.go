package oci

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Source is where an image is read from that is not trusted: a layout, an
// archive of one, a registry.
type Source interface {
	// Reference is what the source was opened by.
	Reference() Reference
	// Resolve returns the manifest, or the index, that the reference names.
	Resolve(ctx context.Context) ([]byte, v1.Descriptor, error)
	// Manifest returns what a descriptor names, checked, and its media type
	// where that says none.
	Manifest(ctx context.Context, d v1.Descriptor) ([]byte, types.MediaType, error)
	// Blob returns a blob that fits into memory, checked.
	Blob(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// Bring puts a blob into a layout, and calls it object in errors.
	Bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error
	// Referrers lists what refers to an image.
	Referrers(ctx context.Context, subject v1.Hash) ([]v1.Descriptor, error)
	// Loose returns the signatures that do not refer to the image that they are
	// of. Where they do not lie under its digest, of tells which image it is from
	// what is signed.
	Loose(ctx context.Context, subject v1.Hash, of func(signed []byte) (v1.Hash, error)) ([]Attachment, error)
	io.Closer
}

// Resolve returns the digest of the image that the reference of a source names:
// of the one for linux/amd64, where it names an index. Of a layout's reference
// without a digest it is the only image.
func Resolve(ctx context.Context, s Source) (v1.Hash, error) {
	image, err := choose(ctx, s)
	return image.desc.Digest, err
}

// offer is the image that a reference led to.
type offer struct {
	manifest *v1.Manifest
	data     []byte
	desc     v1.Descriptor
}

// choose resolves the reference to the manifest of an image, one of an index
// where it leads to an index.
func choose(ctx context.Context, s Source) (offer, error) {
	data, d, err := s.Resolve(ctx)
	if err != nil {
		return offer{}, err
	}
	m, index, err := ReadManifest(data, d.MediaType)
	if index != nil {
		if d, err = pick(index); err == nil {
			data, d.MediaType, err = s.Manifest(ctx, d)
		}
		if err != nil {
			return offer{}, fmt.Errorf("choosing from the index: %w", err)
		}
		m, index, err = ReadManifest(data, d.MediaType)
	}
	if err != nil {
		return offer{}, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if index != nil {
		return offer{}, fmt.Errorf("manifest %s: an index of indexes is not followed", d.Digest)
	}
	return offer{m, data, d}, nil
}
