package oci

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Pulled is an image that Pull brought into a layout.
type Pulled struct {
	// Digest is that of its manifest: of the one for linux/amd64, where the
	// reference names an index.
	Digest v1.Hash
	// Title is what the image calls itself; it may be empty.
	Title string
	// Blobs and Bytes are what moved, of the Size bytes that the image has.
	Blobs       int
	Bytes, Size int64
	// Verdict says who vouches for the image.
	Verdict Verdict
}

// Pull brings the image for linux/amd64 that a reference names into the
// layout. Only blobs that the layout lacks move, several at once. Each is
// checked while it comes and gets its name when its bytes are all there; what
// a break leaves of one is where the next Pull goes on. The image is in the
// layout's index only when it is whole. Of what is attached to it the types
// that are known here come along. Nothing but these, the manifest and the config
// moves, and the image does not come into the index, unless the policy lets it
// through.
func (l *Layout) Pull(ctx context.Context, from Reference, p Policy, o RegistryOptions) (Pulled, error) {
	pulled, err := l.pull(ctx, from, p, o.withDefaults())
	if err != nil {
		return Pulled{}, fmt.Errorf("pulling %s: %w", from, err)
	}
	return pulled, nil
}

// supply is where a pull gets its image from.
type supply interface {
	// resolve returns the manifest, or the index, that a reference names.
	resolve(ctx context.Context, r Reference) ([]byte, v1.Descriptor, error)
	// manifest returns what a descriptor names, checked, and its media type
	// where that says none.
	manifest(ctx context.Context, d v1.Descriptor) ([]byte, types.MediaType, error)
	// bring puts a blob into the layout, and calls it object in errors.
	bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error
	// attached lists what refers to an image.
	attached(ctx context.Context, subject v1.Hash) ([]v1.Descriptor, error)
	// small returns a blob that fits into memory, checked.
	small(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// simple returns signatures that do not refer to the image they are of.
	simple(ctx context.Context, subject v1.Hash) ([]Attachment, error)
	io.Closer
}

func (l *Layout) pull(ctx context.Context, from Reference, p Policy, o RegistryOptions) (_ Pulled, err error) {
	if err := l.sweepParts(); err != nil {
		return Pulled{}, err
	}
	s, err := o.supply(ctx, from)
	if err != nil {
		return Pulled{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	image, err := choose(ctx, s, from)
	if err != nil {
		return Pulled{}, err
	}
	return l.take(ctx, s, image, p)
}

// offer is the image that a reference led to.
type offer struct {
	from     Reference
	manifest *v1.Manifest
	data     []byte
	desc     v1.Descriptor
}

// choose resolves a reference to the manifest of an image, one of an index
// where it leads to an index.
func choose(ctx context.Context, s supply, from Reference) (offer, error) {
	data, d, err := s.resolve(ctx, from)
	if err != nil {
		return offer{}, err
	}
	m, index, err := readManifest(data, d.MediaType)
	if index != nil {
		if d, err = pick(index); err == nil {
			data, d.MediaType, err = s.manifest(ctx, d)
		}
		if err != nil {
			return offer{}, fmt.Errorf("choosing from the index: %w", err)
		}
		m, index, err = readManifest(data, d.MediaType)
	}
	if err != nil {
		return offer{}, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if index != nil {
		return offer{}, fmt.Errorf("manifest %s: an index of indexes is not followed", d.Digest)
	}
	return offer{from, m, data, d}, nil
}
