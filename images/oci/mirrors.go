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

// remoteSupply resolves the reference at the registry itself: a mirror may not
// say what a tag means.
func (o RegistryOptions) remoteSupply(ctx context.Context, from Reference) (remoteSupply, []byte, v1.Descriptor, error) {
	var s remoteSupply
	for _, m := range o.Mirrors {
		repo, err := mirrorOf(m, from.remote.Context().RepositoryStr())
		if err != nil {
			return s, nil, v1.Descriptor{}, err
		}
		s.places = append(s.places, o.newRepository(ctx, repo, transport.PullScope))
	}
	registry := o.newRepository(ctx, from.remote.Context(), transport.PullScope)
	s.places = append(s.places, registry)
	if tag, ok := from.remote.(name.Tag); ok {
		data, d, err := registry.manifest(ctx, tag.TagStr())
		return s, data, d, err
	}
	h, err := v1.NewHash(from.remote.Identifier())
	if err != nil {
		return s, nil, v1.Descriptor{}, err
	}
	data, t, err := s.manifest(ctx, v1.Descriptor{Digest: h})
	return s, data, v1.Descriptor{MediaType: t, Digest: h}, err
}

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
