package trust

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

func isSignature(artifactType string) bool {
	return artifactType == oci.SimpleArtifact || strings.HasPrefix(artifactType, bundleFamily)
}

// signed is a claim, or what keeps a signature from being one.
type signed struct {
	claim
	err error
}

// signatures returns all that claims to be a signature of an image.
func signatures(ctx context.Context, s oci.Source, subject v1.Hash) ([]signed, error) {
	attached, err := oci.Artifacts(ctx, s, subject, isSignature)
	if err != nil {
		return nil, err
	}
	list, _, err := signaturesOf(ctx, s, subject, attached)
	return list, err
}

// signaturesOf returns those that are attached to an image and the loose ones, and of
// these what is to be attached. They are read one at a time.
func signaturesOf(ctx context.Context, s oci.Source, subject v1.Hash, attached []oci.Artifact) (list []signed, loose []oci.Attachment, err error) {
	for _, a := range attached {
		if !isSignature(a.Desc.ArtifactType) {
			continue
		}
		read, err := a.Load(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, readSignatures(read)...)
		if len(list) > oci.MaxSignatures {
			break
		}
	}
	if loose, err = s.Loose(ctx, subject, signedImage); err != nil {
		return nil, nil, fmt.Errorf("reading the signatures of image %s: %w", subject, err)
	}
	for _, a := range loose {
		list = append(list, readSignatures(a)...)
	}
	if len(list) > oci.MaxSignatures {
		return nil, nil, fmt.Errorf("image %s has more than %d signatures", subject, oci.MaxSignatures)
	}
	return list, loose, nil
}

func readSignatures(a oci.Attachment) []signed {
	var list []signed
	for _, b := range a.Blobs {
		list = append(list, readSignature(b))
	}
	return list
}

func readSignature(b oci.AttachedBlob) signed {
	if strings.HasPrefix(b.MediaType, bundleFamily) {
		c, err := readBundle(b.Data)
		return signed{c, err}
	}
	if b.MediaType != oci.SimpleType {
		return signed{err: fmt.Errorf("a blob of the type %q is no signature", b.MediaType)}
	}
	signature, err := base64.StdEncoding.DecodeString(b.Annotations[oci.SimpleSignature])
	if err == nil && len(signature) == 0 {
		err = errors.New("it has no annotation " + oci.SimpleSignature)
	}
	if err != nil {
		return signed{err: fmt.Errorf("reading a signature: %w", err)}
	}
	c, err := readPayload(b.Data)
	c.signatures = [][]byte{signature}
	return signed{c, err}
}
