package registry

import (
	"cmp"
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Sign signs the image that a reference names, in a registry or in a layout, where it
// is, and returns its digest. One in a registry is signed for the repository that it
// is in, if s names none.
func Sign(ctx context.Context, ref oci.Reference, s trust.SignOptions, o Options) (v1.Hash, error) {
	if !ref.Registry() {
		return signLayout(ctx, ref, s)
	}
	s.Repository = cmp.Or(s.Repository, ref.Repository())
	h, err := Attach(ctx, ref, s.Signatures, o)
	if err != nil {
		return h, fmt.Errorf("signing %s: %w", ref, err)
	}
	return h, nil
}

func signLayout(ctx context.Context, ref oci.Reference, s trust.SignOptions) (v1.Hash, error) {
	h, err := Resolve(ctx, ref, Options{})
	if err != nil {
		return h, err
	}
	layout, err := oci.OpenLayout(ref.Dir())
	if err != nil {
		return h, err
	}
	return h, trust.Sign(layout, h, s)
}
