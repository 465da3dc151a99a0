package oci

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Verify asks a policy about the image that a reference names, without pulling
// it.
func Verify(ctx context.Context, ref Reference, p Policy, o RegistryOptions) (Verdict, error) {
	v, err := verify(ctx, ref, p, o.withDefaults())
	if err != nil {
		return Verdict{}, fmt.Errorf("verifying %s: %w", ref, err)
	}
	return v, nil
}

func verify(ctx context.Context, ref Reference, p Policy, o RegistryOptions) (_ Verdict, err error) {
	s, err := o.supply(ctx, ref)
	if err != nil {
		return Verdict{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	image, err := choose(ctx, s, ref)
	if err != nil {
		return Verdict{}, err
	}
	list, err := signatures(ctx, s, image.desc.Digest)
	if err != nil {
		return Verdict{}, err
	}
	return p.judge(ref, image.desc.Digest, list)
}

// judge asks the policy about an image whose signatures are in the layout.
func (l *Layout) judge(ctx context.Context, from Reference, p Policy, image v1.Hash) (_ Verdict, err error) {
	s, err := openLocal(l.Reference(image))
	if err != nil {
		return Verdict{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := signatures(ctx, s, image)
	if err != nil {
		return Verdict{}, err
	}
	return p.judge(from, image, list)
}
