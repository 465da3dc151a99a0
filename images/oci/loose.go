package oci

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The older form of signatures, simple signing. Each is a blob and an annotation of
// it. They need not refer to the image that they are of: registries keep them under
// a tag.
const (
	// SimpleType is the media type of what is signed.
	SimpleType = "application/vnd.dev.cosign.simplesigning.v1+json"
	// SimpleSignature is the annotation that has the signature.
	SimpleSignature = "dev.cosignproject.cosign/signature"
	// SimpleArtifact is the type of an attachment with such signatures.
	SimpleArtifact = "application/vnd.dev.cosign.artifact.sig.v1+json"

	// MaxSignatures bounds how many of an image are looked at.
	MaxSignatures = 1000
)

// NewSimple returns a signature of the older form as an attachment.
func NewSimple(signed []byte, signature string) Attachment {
	return Attachment{
		Type:  SimpleArtifact,
		Blobs: []AttachedBlob{{MediaType: SimpleType, Annotations: map[string]string{SimpleSignature: signature}, Data: signed}},
	}
}

// IsSimple says whether a blob of a manifest is a signature of the older form.
func IsSimple(d v1.Descriptor) bool { return d.MediaType == SimpleType }

// LoadSimple makes each signature of a manifest an attachment. None is read unless
// there are few of them, which together are no larger than one attachment may be.
func LoadSimple(ctx context.Context, s Source, m *v1.Manifest) ([]Attachment, error) {
	simple := slices.DeleteFunc(slices.Clone(m.Layers), func(d v1.Descriptor) bool { return !IsSimple(d) })
	if len(simple) > MaxSignatures {
		return nil, fmt.Errorf("the signatures of an image are at most %d, and these are %d", MaxSignatures, len(simple))
	}
	sum := int64(0)
	for _, d := range simple {
		if d.Size < 0 || d.Size > maxAttachment-sum {
			return nil, fmt.Errorf("signature %s: the signatures of an image have at most %d bytes", d.Digest, maxAttachment)
		}
		sum += d.Size
	}
	var list []Attachment
	for _, d := range simple {
		text, err := s.Blob(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("reading signature %s: %w", d.Digest, err)
		}
		list = append(list, NewSimple(text, d.Annotations[SimpleSignature]))
	}
	return list, nil
}

// Loose returns the signatures of manifests that refer to nothing, as copies of a
// registry's tag have them.
func (l Local) Loose(ctx context.Context, subject v1.Hash, of func(signed []byte) (v1.Hash, error)) ([]Attachment, error) {
	index, err := l.index()
	if err != nil {
		return nil, err
	}
	var all []Attachment
	for _, d := range index.Manifests {
		m := l.peek(ctx, d)
		if m == nil || m.Subject != nil {
			continue
		}
		list, err := LoadSimple(ctx, l, m)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if image, err := of(a.Blobs[0].Data); err == nil && image == subject {
				all = append(all, a)
			}
		}
	}
	return all, nil
}
