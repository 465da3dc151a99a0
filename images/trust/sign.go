package trust

import (
	"context"
	"encoding/base64"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// SignOptions say how an image is signed.
type SignOptions struct {
	Key *PrivateKey
	// Repository is where the image is meant to be, HOST/REPOSITORY. Without
	// it the signature holds in any repository.
	Repository string
	// Serial orders the images of a repository: a master refuses one with a
	// lower serial than it had before.
	Serial uint64
	// Provenance, where it is set, returns the statement of how an image was built,
	// which nobody signed yet, or nil. It is signed too.
	Provenance func(image v1.Hash) ([]byte, error)
}

// Sign signs an image of a layout, in both forms that cosign has: programs
// know the one or the other.
func Sign(l *oci.Layout, h v1.Hash, o SignOptions) error {
	return attach(l, h, o.Signatures)
}

// SignOnce is Sign for what the key has not signed yet for the repository.
func SignOnce(ctx context.Context, l *oci.Layout, h v1.Hash, o SignOptions) error {
	public, err := o.Key.Public()
	if err != nil {
		return err
	}
	said, err := public.said(ctx, l, h, o.Repository)
	if err != nil {
		return err
	}
	if !said[signedPredicate] {
		err = attach(l, h, o.image)
	}
	if err == nil && !said[ProvenancePredicate] {
		err = attach(l, h, o.provenance)
	}
	return err
}

func attach(l *oci.Layout, h v1.Hash, sign func(v1.Hash) ([]oci.Attachment, error)) error {
	list, err := sign(h)
	if err != nil {
		return fmt.Errorf("signing image %s: %w", h, err)
	}
	for _, a := range list {
		if _, err := l.Attach(h, a); err != nil {
			return err
		}
	}
	return nil
}

// Signatures signs an image, with what is known of how it was built, and returns what
// is to be attached to it.
func (o SignOptions) Signatures(h v1.Hash) ([]oci.Attachment, error) {
	list, err := o.image(h)
	if err != nil {
		return nil, err
	}
	more, err := o.provenance(h)
	return append(list, more...), err
}

// image signs that the image is meant to be used.
func (o SignOptions) image(h v1.Hash) ([]oci.Attachment, error) {
	c := claim{image: h, repository: o.Repository, serial: o.Serial}
	text, err := c.payload()
	if err != nil {
		return nil, err
	}
	signature, err := o.Key.sign(text)
	if err != nil {
		return nil, err
	}
	simple := oci.NewSimple(text, base64.StdEncoding.EncodeToString(signature))
	bundle, err := SignStatement(o.Key, Statement{Image: h, Repository: o.Repository, PredicateType: signedPredicate, Serial: o.Serial})
	return []oci.Attachment{simple, bundle}, err
}

// said are the predicate types of what the key says of an image of a layout, for a
// repository.
func (k PublicKey) said(ctx context.Context, l *oci.Layout, h v1.Hash, repository string) (map[string]bool, error) {
	list, err := signaturesIn(ctx, l, h)
	said := map[string]bool{}
	for _, c := range list {
		if c.err == nil && c.image == h && c.repository == repository && c.by(k) {
			said[c.predicate] = true
		}
	}
	return said, err
}
