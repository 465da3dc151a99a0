package oci

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// remoteSource is a registry with the mirrors before it.
type remoteSource struct {
	ref    Reference
	places []*repository
}

// Reference implements Source.
func (s remoteSource) Reference() Reference { return s.ref }

// Resolve asks the registry itself what a tag means: a mirror may not say it.
func (s remoteSource) Resolve(ctx context.Context) ([]byte, v1.Descriptor, error) {
	if tag, ok := s.ref.remote.(name.Tag); ok {
		return s.places[len(s.places)-1].manifest(ctx, tag.TagStr())
	}
	h, err := v1.NewHash(s.ref.remote.Identifier())
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	data, t, err := s.Manifest(ctx, v1.Descriptor{Digest: h})
	return data, v1.Descriptor{MediaType: t, Digest: h}, err
}

// places are the mirrors, then the registry itself.
func (o RegistryOptions) places(ctx context.Context, from Reference) (remoteSource, error) {
	s := remoteSource{ref: from}
	for _, m := range o.Mirrors {
		repo, err := mirrorOf(m, from.remote.Context().RepositoryStr())
		if err != nil {
			return s, err
		}
		s.places = append(s.places, o.newRepository(ctx, repo, transport.PullScope))
	}
	s.places = append(s.places, o.newRepository(ctx, from.remote.Context(), transport.PullScope))
	return s, nil
}

// source returns where a reference leads, without resolving it.
func (o RegistryOptions) source(ctx context.Context, from Reference) (Source, error) {
	if from.Registry() {
		return o.places(ctx, from)
	}
	return OpenLocal(from)
}

// Close implements io.Closer.
func (s remoteSource) Close() error { return nil }

// Manifest implements Source.
func (s remoteSource) Manifest(ctx context.Context, d v1.Descriptor) ([]byte, types.MediaType, error) {
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

// Bring implements Source.
func (s remoteSource) Bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error {
	return to.fetch(ctx, s.places, d, object)
}
