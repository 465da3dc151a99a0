package trust

import (
	"context"
	"errors"

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

// Admit is Judge for an image on its way from a source, where this is attached to it,
// into a layout. Signatures count that the layout has of it, too. It returns those of
// the source that are to be attached.
func (p Policy) Admit(ctx context.Context, to *oci.Layout, from oci.Source, image v1.Hash, attached []oci.Artifact) (Verdict, []oci.Attachment, error) {
	list, loose, err := signaturesOf(ctx, from, image, attached)
	if err != nil {
		return Verdict{}, nil, err
	}
	had, err := signaturesIn(ctx, to, image)
	if err != nil {
		return Verdict{}, nil, err
	}
	v, err := p.judge(from.Reference(), image, append(list, had...))
	return v, loose, err
}

// signaturesIn returns what a layout has for signatures of an image.
func signaturesIn(ctx context.Context, l *oci.Layout, image v1.Hash) (_ []signed, err error) {
	s, err := oci.OpenLocal(l.Reference(image))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return signatures(ctx, s, image)
}
