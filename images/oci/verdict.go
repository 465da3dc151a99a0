package oci

import (
	"context"
	"errors"
	"fmt"
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
	s, err := o.source(ctx, ref)
	if err != nil {
		return Verdict{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	image, err := choose(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	return p.Judge(ctx, s, image.desc.Digest)
}
