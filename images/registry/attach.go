package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Attach sends to the image that a reference of a registry names what make says of
// it, and returns the digest of the image. Its errors leave to the caller to say what
// was attached, and to what.
func Attach(ctx context.Context, ref oci.Reference, make func(image v1.Hash) ([]oci.Attachment, error), o Options) (v1.Hash, error) {
	if !ref.Registry() {
		return v1.Hash{}, errors.New("it is no registry's")
	}
	to := o.withDefaults().newRepository(ctx, ref.Remote().Context(), transport.PushScope)
	image, d, err := to.manifest(ctx, ref.Remote().Identifier())
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
func pack(image []byte, list []oci.Attachment) ([]oci.Artifact, map[v1.Hash][]byte, error) {
	packed, blobs := map[string]oci.Artifact{}, map[v1.Hash][]byte{}
	for _, a := range list {
		p, data, err := a.Pack(image)
		if err != nil {
			return nil, nil, err
		}
		packed[p.Desc.Digest.String()] = p
		maps.Copy(blobs, data)
	}
	var sorted []oci.Artifact
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
