package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// source is a registry with the mirrors before it.
type source struct {
	ref    oci.Reference
	places []*repository
}

// Reference implements oci.Source.
func (s source) Reference() oci.Reference { return s.ref }

// Resolve asks the registry itself what a tag means: a mirror may not say it.
func (s source) Resolve(ctx context.Context) ([]byte, v1.Descriptor, error) {
	if tag, ok := s.ref.Remote().(name.Tag); ok {
		return s.places[len(s.places)-1].manifest(ctx, tag.TagStr())
	}
	h, err := v1.NewHash(s.ref.Remote().Identifier())
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	data, t, err := s.Manifest(ctx, v1.Descriptor{Digest: h})
	return data, v1.Descriptor{MediaType: t, Digest: h}, err
}

// places are the mirrors, then the registry itself.
func (o Options) places(ctx context.Context, from oci.Reference) (source, error) {
	s := source{ref: from}
	for _, m := range o.mirrors(from.Remote().Context().RegistryStr()) {
		repo, err := mirrorOf(m, from.Remote().Context().RepositoryStr())
		if err != nil {
			return s, err
		}
		s.places = append(s.places, o.newRepository(ctx, repo, transport.PullScope))
	}
	s.places = append(s.places, o.newRepository(ctx, from.Remote().Context(), transport.PullScope))
	return s, nil
}

// open opens where a reference leads, for as long as use takes.
func (o Options) open(ctx context.Context, ref oci.Reference, use func(oci.Source) error) (err error) {
	s, err := o.source(ctx, ref)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return use(s)
}

func (o Options) source(ctx context.Context, ref oci.Reference) (oci.Source, error) {
	if ref.Registry() {
		return o.withDefaults().places(ctx, ref)
	}
	return oci.OpenLocal(ref)
}

// Close implements io.Closer.
func (s source) Close() error { return nil }

// Manifest implements oci.Source.
func (s source) Manifest(ctx context.Context, d v1.Descriptor) ([]byte, types.MediaType, error) {
	var errs []error
	for _, r := range s.places {
		data, got, err := r.manifest(ctx, d.Digest.String())
		if err == nil && d.MediaType != "" && d.MediaType != got.MediaType {
			err = fmt.Errorf("manifest %s: the index calls it %q, the registry %q", d.Digest, d.MediaType, got.MediaType)
		}
		if err == nil {
			return data, got.MediaType, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, "", errors.Join(errs...)
}

// Bring implements oci.Source.
func (s source) Bring(ctx context.Context, to *oci.Layout, d v1.Descriptor, object string) error {
	return fetch(ctx, s.places, d, to, object)
}
