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

// remoteSupply is a registry with the mirrors before it.
type remoteSupply struct{ places []*repository }

// resolve asks the registry itself what a tag means: a mirror may not say it.
func (s remoteSupply) resolve(ctx context.Context, r Reference) ([]byte, v1.Descriptor, error) {
	if tag, ok := r.remote.(name.Tag); ok {
		return s.places[len(s.places)-1].manifest(ctx, tag.TagStr())
	}
	h, err := v1.NewHash(r.remote.Identifier())
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	data, t, err := s.manifest(ctx, v1.Descriptor{Digest: h})
	return data, v1.Descriptor{MediaType: t, Digest: h}, err
}

// places are the mirrors, then the registry itself.
func (o RegistryOptions) places(ctx context.Context, from Reference) (remoteSupply, error) {
	var s remoteSupply
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

// supply returns where a reference leads, without resolving it.
func (o RegistryOptions) supply(ctx context.Context, from Reference) (supply, error) {
	if from.Registry() {
		return o.places(ctx, from)
	}
	return openLocal(from)
}

// Close implements io.Closer.
func (s remoteSupply) Close() error { return nil }

func (s remoteSupply) manifest(ctx context.Context, d v1.Descriptor) ([]byte, types.MediaType, error) {
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

func (s remoteSupply) bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error {
	return to.bring(ctx, s.places, d, object)
}
