package oci

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// SignRemote signs the image that a reference of a registry names, and sends
// the signatures there. It is signed for that repository unless o names
// another.
func SignRemote(ctx context.Context, ref Reference, o SignOptions, ro RegistryOptions) (v1.Hash, error) {
	o.Repository = cmp.Or(o.Repository, ref.Repository())
	h, err := attachRemote(ctx, ref, o.sign, ro.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("signing %s: %w", ref, err)
	}
	return h, nil
}

// AttachRemote attaches to the image that a reference of a registry names.
func AttachRemote(ctx context.Context, ref Reference, a Attachment, ro RegistryOptions) (v1.Hash, error) {
	h, err := attachRemote(ctx, ref, func(v1.Hash) ([]Attachment, error) { return []Attachment{a}, nil }, ro.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("attaching %s to %s: %w", a.Type, ref, err)
	}
	return h, nil
}

// attachRemote sends what make says of the image.
func attachRemote(ctx context.Context, ref Reference, make func(image v1.Hash) ([]Attachment, error), o RegistryOptions) (v1.Hash, error) {
	if !ref.Registry() {
		return v1.Hash{}, errors.New("it is no registry's")
	}
	to := o.newRepository(ctx, ref.remote.Context(), transport.PushScope)
	image, d, err := to.manifest(ctx, ref.remote.Identifier())
	if err != nil {
		return v1.Hash{}, err
	}
	if d.MediaType.IsIndex() {
		return v1.Hash{}, errors.New("it is an index: name one of its images as @sha256:DIGEST")
	}
	list, err := make(d.Digest)
	if err != nil {
		return v1.Hash{}, err
	}
	packed, blobs, err := pack(image, list)
	if err != nil {
		return v1.Hash{}, err
	}
	return d.Digest, pusher{blobsOf(blobs), to}.attachments(ctx, d.Digest, packed)
}

// pack returns artifacts of an image, each once, in the order of digests, with the
// bytes of all their blobs.
func pack(image []byte, list []Attachment) ([]Artifact, map[v1.Hash][]byte, error) {
	packed, blobs := map[string]Artifact{}, map[v1.Hash][]byte{}
	for _, a := range list {
		p, parts, err := a.Pack(image)
		if err != nil {
			return nil, nil, err
		}
		packed[p.Desc.Digest.String()] = p
		maps.Copy(blobs, parts)
	}
	var sorted []Artifact
	for _, digest := range slices.Sorted(maps.Keys(packed)) {
		sorted = append(sorted, packed[digest])
	}
	return sorted, blobs, nil
}

// blobsOf opens blobs that are in memory.
func blobsOf(blobs map[v1.Hash][]byte) func(v1.Hash) (io.ReadCloser, error) {
	return func(h v1.Hash) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(blobs[h])), nil
	}
}
