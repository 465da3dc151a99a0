package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// SignRemote signs the image that a reference of a registry names, and sends
// the signatures there. It is signed for that repository unless o names
// another.
func SignRemote(ctx context.Context, ref Reference, o SignOptions, ro RegistryOptions) (v1.Hash, error) {
	o.Repository = cmp.Or(o.Repository, ref.Repository())
	h, err := attachRemote(ctx, ref, o.sign, ro.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("signing %s: %w", ref, err)
	}
	return h, nil
}

// AttachRemote attaches to the image that a reference of a registry names.
func AttachRemote(ctx context.Context, ref Reference, a Attachment, ro RegistryOptions) (v1.Hash, error) {
	h, err := attachRemote(ctx, ref, func(v1.Hash) ([]Attachment, error) { return []Attachment{a}, nil }, ro.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("attaching %s to %s: %w", a.Type, ref, err)
	}
	return h, nil
}

// attachRemote makes the attachments in a layout of their own.
func attachRemote(ctx context.Context, ref Reference, make func(v1.Hash) ([]Attachment, error), o RegistryOptions) (_ v1.Hash, err error) {
	if !ref.Registry() {
		return v1.Hash{}, errors.New("it is no registry's")
	}
	dir, err := os.MkdirTemp("", "rootbuild-attach-")
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l, err := OpenLayout(dir)
	if err != nil {
		return v1.Hash{}, err
	}
	to := o.newRepository(ctx, ref.remote.Context(), transport.PushScope)
	data, d, err := to.manifest(ctx, ref.remote.Identifier())
	if err != nil {
		return v1.Hash{}, err
	}
	if d.MediaType.IsIndex() {
		return v1.Hash{}, errors.New("it is an index: name one of its images as @sha256:DIGEST")
	}
	if d, err = l.keep(data, d.MediaType); err != nil {
		return v1.Hash{}, err
	}
	list, err := make(d.Digest)
	if err != nil {
		return v1.Hash{}, err
	}
	for _, a := range list {
		if _, err := l.attach(d.Digest, a); err != nil {
			return v1.Hash{}, err
		}
	}
	return d.Digest, l.sendAttachments(ctx, d.Digest, to)
}

func (l *Layout) sendAttachments(ctx context.Context, subject v1.Hash, to *repository) (err error) {
	from, err := OpenLocal(l.Reference(subject))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	list, err := Artifacts(ctx, from, subject, func(string) bool { return true })
	if err != nil {
		return err
	}
	return pusher{from.Open, to}.attachments(ctx, subject, list)
}
