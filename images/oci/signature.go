package oci

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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

// Sign signs an image of the layout, in both forms that cosign has: programs
// know the one or the other.
func (l *Layout) Sign(h v1.Hash, o SignOptions) error {
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

// SignedBy says whether an image of the layout has a signature of a key for a
// repository.
func (l *Layout) SignedBy(ctx context.Context, h v1.Hash, k PublicKey, repository string) (_ bool, err error) {
	s, err := OpenLocal(l.Reference(h))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := signatures(ctx, s, h)
	return slices.ContainsFunc(list, func(c signed) bool {
		return c.err == nil && c.predicate == signedPredicate && c.image == h && c.repository == repository && c.by(k)
	}), err
}

// Signatures signs an image, and returns what is to be attached to it.
func (o SignOptions) Signatures(h v1.Hash) ([]Attachment, error) {
	c := claim{image: h, repository: o.Repository, serial: o.Serial}
	text, err := c.payload()
	if err != nil {
		return nil, err
	}
	signature, err := o.Key.sign(text)
	if err != nil {
		return nil, err
	}
	simple := NewSimple(text, base64.StdEncoding.EncodeToString(signature))
	bundle, err := SignStatement(o.Key, Statement{Image: h, Repository: o.Repository, PredicateType: signedPredicate, Serial: o.Serial})
	return []Attachment{simple, bundle}, err
}

func isSignature(artifactType string) bool {
	return artifactType == SimpleArtifact || strings.HasPrefix(artifactType, bundleFamily)
}

// signed is a claim, or what keeps a signature from being one.
type signed struct {
	claim
	err error
}

// signatures returns all that claims to be a signature of an image.
func signatures(ctx context.Context, s Source, subject v1.Hash) ([]signed, error) {
	list, err := Load(ctx, s, subject, isSignature)
	if err != nil {
		return nil, err
	}
	more, err := s.Loose(ctx, subject, signedImage)
	if err != nil {
		return nil, err
	}
	var out []signed
	for _, a := range append(list, more...) {
		for _, b := range a.Blobs {
			if out = append(out, readSignature(b)); len(out) > MaxSignatures {
				return nil, fmt.Errorf("image %s has more than %d signatures", subject, MaxSignatures)
			}
		}
	}
	return out, nil
}

func readSignature(b AttachedBlob) signed {
	if strings.HasPrefix(b.MediaType, bundleFamily) {
		c, err := readBundle(b.Data)
		return signed{c, err}
	}
	if b.MediaType != SimpleType {
		return signed{err: fmt.Errorf("a blob of the type %q is no signature", b.MediaType)}
	}
	signature, err := base64.StdEncoding.DecodeString(b.Annotations[SimpleSignature])
	if err == nil && len(signature) == 0 {
		err = errors.New("it has no annotation " + SimpleSignature)
	}
	if err != nil {
		return signed{err: fmt.Errorf("reading a signature: %w", err)}
	}
	c, err := readPayload(b.Data)
	c.signatures = [][]byte{signature}
	return signed{c, err}
}
