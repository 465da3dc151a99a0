package trust

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

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
}

// Sign signs an image of a layout, in both forms that cosign has: programs
// know the one or the other.
func Sign(l *oci.Layout, h v1.Hash, o SignOptions) error {
	list, err := o.Signatures(h)
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

// Signatures signs an image, and returns what is to be attached to it.
func (o SignOptions) Signatures(h v1.Hash) ([]oci.Attachment, error) {
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

// Signed says whether an image of a layout has a signature of the key for a
// repository.
func (k PublicKey) Signed(ctx context.Context, l *oci.Layout, h v1.Hash, repository string) (_ bool, err error) {
	s, err := oci.OpenLocal(l.Reference(h))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := signatures(ctx, s, h)
	return slices.ContainsFunc(list, func(c signed) bool {
		return c.err == nil && c.predicate == signedPredicate && c.image == h && c.repository == repository && c.by(k)
	}), err
}
