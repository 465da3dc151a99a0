package oci

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Resolve returns the digest of the image that a reference names: of the one for
// linux/amd64, where it names an index. Of a layout's reference without a digest
// it is the only image.
func Resolve(ctx context.Context, r Reference, o RegistryOptions) (v1.Hash, error) {
	h, err := resolve(ctx, r, o.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("finding the image %s: %w", r, err)
	}
	return h, nil
}

func resolve(ctx context.Context, r Reference, o RegistryOptions) (_ v1.Hash, err error) {
	s, err := o.source(ctx, r)
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	image, err := choose(ctx, s)
	return image.desc.Digest, err
}
