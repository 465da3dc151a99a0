package registry

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// subjectHeader is how a registry says that it lists an artifact by itself.
const subjectHeader = "OCI-Subject"

// attachments sends what is attached to an image that the registry has.
func (p pusher) attachments(ctx context.Context, subject v1.Hash, list []oci.Artifact) error {
	var unlisted []v1.Descriptor
	for _, a := range list {
		listed, err := p.attachment(ctx, a)
		if err != nil {
			return err
		}
		if !listed {
			d := a.Desc
			d.Annotations = a.Manifest.Annotations
			unlisted = append(unlisted, d)
		}
	}
	if err := p.loose(ctx, subject, list); err != nil || len(unlisted) == 0 {
		return err
	}
	return p.retry(ctx, "list of attachments "+referrersTag(subject), func(ctx context.Context, _ func(int)) error {
		return p.enlist(ctx, subject, unlisted)
	})
}

func (p pusher) attachment(ctx context.Context, a oci.Artifact) (listed bool, err error) {
	for _, d := range a.Blobs() {
		object := "attachment " + d.Digest.String()
		err := p.retry(ctx, object, func(ctx context.Context, moved func(int)) error { return p.blob(ctx, d, object, moved) })
		if err != nil {
			return false, err
		}
	}
	err = p.retry(ctx, "attachment "+a.Desc.Digest.String(), func(ctx context.Context, _ func(int)) error {
		header, err := p.put(ctx, a.Desc, a.Raw, a.Desc.Digest.String())
		listed = header.Get(subjectHeader) != ""
		return err
	})
	return listed, err
}

// listTries bounds how often the list is written when others write it too.
const listTries = 3

// enlist adds artifacts to the index that stands for a registry's list. A
// registry knows no exchange of one index for another: who writes it last wins,
// so it is read again afterwards.
func (p pusher) enlist(ctx context.Context, subject v1.Hash, add []v1.Descriptor) error {
	for range listTries {
		index, err := p.to.tagged(ctx, subject)
		if err != nil {
			return err
		}
		missing := slices.DeleteFunc(slices.Clone(add), func(d v1.Descriptor) bool {
			return slices.ContainsFunc(index.Manifests, func(have v1.Descriptor) bool { return have.Digest == d.Digest })
		})
		if len(missing) == 0 {
			return nil
		}
		index.Manifests = append(index.Manifests, missing...)
		index.MediaType = types.OCIImageIndex
		data, err := oci.CanonicalJSON(index)
		if err != nil {
			return err
		}
		if err := p.manifest(ctx, oci.Describe(data, types.OCIImageIndex), data, referrersTag(subject)); err != nil {
			return err
		}
	}
	return fmt.Errorf("others change it at the same time; gave up after %d tries: push again", listTries)
}
