package oci

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Pulled is an image that Pull brought into a layout.
type Pulled struct {
	Taken
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

func (l *Layout) pull(ctx context.Context, from Reference, p Policy, o RegistryOptions) (_ Pulled, err error) {
	if err := l.sweepParts(); err != nil {
		return Pulled{}, err
	}
	s, err := o.source(ctx, from)
	if err != nil {
		return Pulled{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var verdict Verdict
	taken, err := l.Take(ctx, s, func(image v1.Hash) (err error) {
		verdict, err = p.Admit(ctx, l, s, image)
		return err
	})
	return Pulled{taken, verdict}, err
}
