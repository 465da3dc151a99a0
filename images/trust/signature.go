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
	list, err := oci.Load(ctx, s, subject, isSignature)
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
			if out = append(out, readSignature(b)); len(out) > oci.MaxSignatures {
				return nil, fmt.Errorf("image %s has more than %d signatures", subject, oci.MaxSignatures)
			}
		}
	}
	return out, nil
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
