package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Resolve returns the digest of the image that a reference names: of the one for
// linux/amd64, where it names an index. Of a layout's reference without a digest
// it is the only image.
func Resolve(ctx context.Context, ref oci.Reference, o Options) (image v1.Hash, err error) {
	err = o.open(ctx, ref, func(s oci.Source) error {
		image, err = oci.Resolve(ctx, s)
		return err
	})
	if err != nil {
		return v1.Hash{}, fmt.Errorf("finding the image %s: %w", ref, err)
	}
	return image, nil
}

// Verify asks a policy about the image that a reference names, without pulling
// it.
func Verify(ctx context.Context, ref oci.Reference, p trust.Policy, o Options) (v trust.Verdict, err error) {
	err = o.open(ctx, ref, func(s oci.Source) error {
		image, err := oci.Resolve(ctx, s)
		if err != nil {
			return err
		}
		v, err = p.Judge(ctx, s, image)
		return err
	})
	if err != nil {
		return trust.Verdict{}, fmt.Errorf("verifying %s: %w", ref, err)
	}
	return v, nil
}

// Attachments returns what is attached to the image with the digest subject,
// where a reference leads: all of it, or what is of one type. Nobody vouches
// for it.
func Attachments(ctx context.Context, at oci.Reference, subject v1.Hash, artifactType string, o Options) (list []oci.Attachment, err error) {
	err = o.open(ctx, at, func(s oci.Source) error {
		list, err = oci.Load(ctx, s, subject, oci.OfType(artifactType))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is attached to image %s in %s: %w", subject, at, err)
	}
	return list, nil
}

// Manifest returns the manifest of the one image that a reference names, which nobody
// vouches for, and its digest. It is nil where a registry has no such image.
func Manifest(ctx context.Context, ref oci.Reference, o Options) (m *v1.Manifest, image v1.Hash, err error) {
	err = o.open(ctx, ref, func(s oci.Source) error {
		data, d, err := s.Resolve(ctx)
		if err != nil {
			return err
		}
		image = d.Digest
		if m, _, err = oci.ReadManifest(data, d.MediaType); err == nil && m == nil {
			err = errors.New("it is an index, and not an image")
		}
		return err
	})
	var status *statusError
	if errors.As(err, &status) && status.code == http.StatusNotFound {
		return nil, v1.Hash{}, nil
	}
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("asking for %s: %w", ref, err)
	}
	return m, image, nil
}
