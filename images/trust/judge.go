package trust

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Judge lets an image through that the reference of a source led to, or tells all
// that is missing. The signatures are those that the source has.
func (p Policy) Judge(ctx context.Context, s oci.Source, image v1.Hash) (Verdict, error) {
	list, err := signatures(ctx, s, image)
	if err != nil {
		return Verdict{}, err
	}
	return p.judge(s.Reference(), image, list)
}

// Admit is Judge for an image on its way from a source into a layout, where all
// that refers to it is already. It brings the other signatures, and judges by what
// the layout has then.
func (p Policy) Admit(ctx context.Context, to *oci.Layout, from oci.Source, image v1.Hash) (_ Verdict, err error) {
	loose, err := from.Loose(ctx, image, signedImage)
	if err != nil {
		return Verdict{}, fmt.Errorf("reading the signatures of image %s: %w", image, err)
	}
	for _, a := range loose {
		if _, err := to.Attach(image, a); err != nil {
			return Verdict{}, err
		}
	}
	s, err := oci.OpenLocal(to.Reference(image))
	if err != nil {
		return Verdict{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := signatures(ctx, s, image)
	if err != nil {
		return Verdict{}, err
	}
	return p.judge(from.Reference(), image, list)
}
