package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/rootbuild/rootbuild/images/oci"
)

// storeTime is how long a registry may take to store a blob after its last
// byte: one that keeps them in an object store copies it there.
const storeTime = 5 * time.Minute

// Push sends the image of a layout to a registry, and returns its digest. Only
// blobs that the repository lacks move, several at once, and the manifest last:
// a reader of the tag sees the image that was there before, or a whole one. What
// is attached to the image is sent with it.
// Bytes that are not those of their digest are an error and are not kept there.
func Push(ctx context.Context, from, to oci.Reference, o Options) (v1.Hash, error) {
	if o.Stall <= 0 {
		o.Stall = storeTime
	}
	h, err := push(ctx, from, to, o.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("pushing %s to %s: %w", from, to, err)
	}
	return h, nil
}

func push(ctx context.Context, from, to oci.Reference, o Options) (_ v1.Hash, err error) {
	switch {
	case !to.Registry():
		return v1.Hash{}, errors.New("the destination is no registry; copy layouts with --output")
	case from.Registry():
		return v1.Hash{}, errors.New("the image is in a registry; pull it first")
	}
	source, err := oci.OpenLocal(from)
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	i, err := read(ctx, source)
	if err != nil {
		return v1.Hash{}, err
	}
	if want, ok := to.Remote().(name.Digest); ok && want.DigestStr() != i.desc.Digest.String() {
		return v1.Hash{}, fmt.Errorf("the image is %s", i.desc.Digest)
	}
	p := pusher{source.Open, o.newRepository(ctx, to.Remote().Context(), transport.PushScope)}
	return i.desc.Digest, p.push(ctx, i, to.Remote().Identifier())
}

// sent is an image that is to be sent.
type sent struct {
	desc     v1.Descriptor
	data     []byte // of its manifest
	manifest *v1.Manifest
	attached []oci.Artifact
}

func read(ctx context.Context, from oci.Source) (sent, error) {
	data, d, err := from.Resolve(ctx)
	if err != nil {
		return sent{}, err
	}
	m, index, err := oci.ReadManifest(data, d.MediaType)
	switch {
	case err != nil:
		return sent{}, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	case index != nil:
		return sent{}, fmt.Errorf("manifest %s is an index: name one of its images as @sha256:DIGEST", d.Digest)
	}
	attached, err := oci.Artifacts(ctx, from, d.Digest, oci.OfType(""))
	return sent{d, data, m, attached}, err
}

// pusher sends objects to a repository.
type pusher struct {
	open func(v1.Hash) (io.ReadCloser, error) // a blob, wherever it is
	to   *repository
}

func (p pusher) push(ctx context.Context, i sent, id string) error {
	d := i.desc
	if err := p.blobs(ctx, i.manifest); err != nil {
		return err
	}
	name := func(id string) error {
		return p.retry(ctx, "manifest "+d.Digest.String(), func(ctx context.Context, _ func(int)) error {
			return p.manifest(ctx, d, i.data, id)
		})
	}
	// The tag comes last: who reads it finds what is attached.
	if len(i.attached) > 0 {
		if err := name(d.Digest.String()); err != nil {
			return err
		}
		if err := p.attachments(ctx, d.Digest, i.attached); err != nil {
			return err
		}
	}
	return name(id)
}

// blobs sends what the manifest names, each once.
func (p pusher) blobs(ctx context.Context, m *v1.Manifest) error {
	if _, err := p.to.connect(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(oci.Parallel)
	seen := map[v1.Hash]bool{}
	for i, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		object := "layer " + d.Digest.String()
		if i == 0 {
			object = "config " + d.Digest.String()
		}
		group.Go(func() error {
			return p.retry(ctx, object, func(ctx context.Context, moved func(int)) error {
				return p.blob(ctx, d, object, moved)
			})
		})
	}
	return group.Wait()
}

func (p pusher) retry(ctx context.Context, object string, f func(ctx context.Context, moved func(int)) error) error {
	if err := p.to.again(ctx, object, f); err != nil {
		return fmt.Errorf("sending %s: %w", object, err)
	}
	return nil
}
