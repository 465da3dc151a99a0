package base

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Import brings a base that the user names into the layout: an image of a
// registry by digest, NAME@sha256:DIGEST, or the only image of an OCI layout,
// oci:DIR. It returns the digest of its manifest. A base that the layout has
// already is not asked for again. Credentials for the registry are the keychain's.
func Import(ctx context.Context, l *oci.Layout, ref string, keychain authn.Keychain) (v1.Hash, error) {
	digest, err := Resolve(ref)
	if err != nil {
		return v1.Hash{}, err
	}
	if _, err := l.Image(digest); err == nil {
		return digest, nil
	}
	img, err := open(ctx, ref, keychain)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("reading base %s: %w", ref, err)
	}
	if got, err := img.Digest(); err != nil || got != digest {
		return v1.Hash{}, errors.Join(err, fmt.Errorf("reading base %s: it is a list of images: name the digest of the one for this host, %s", ref, got))
	}
	if err := layout.Path(l.Dir()).AppendImage(img); err != nil {
		return v1.Hash{}, fmt.Errorf("reading base %s: %w", ref, err)
	}
	return digest, nil
}

// Resolve returns the digest that Import would, without a network: a reference
// holds its digest, a layout tells that of its only image.
func Resolve(ref string) (v1.Hash, error) {
	if dir, ok := strings.CutPrefix(ref, "oci:"); ok {
		digest, err := onlyDigest(dir)
		if err != nil {
			return v1.Hash{}, fmt.Errorf("reading base %s: %w", ref, err)
		}
		return digest, nil
	}
	digest, err := name.NewDigest(ref)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("reading base %s: %w: name the base by its digest, NAME@sha256:DIGEST, or as oci:DIR", ref, err)
	}
	return v1.NewHash(digest.DigestStr())
}

func open(ctx context.Context, ref string, keychain authn.Keychain) (v1.Image, error) {
	if dir, ok := strings.CutPrefix(ref, "oci:"); ok {
		digest, err := onlyDigest(dir)
		if err != nil {
			return nil, err
		}
		return layout.Path(dir).Image(digest)
	}
	digest, err := name.NewDigest(ref)
	if err != nil {
		return nil, err
	}
	return remote.Image(digest, remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain))
}

// onlyDigest is that of the image of a layout which holds just one, so that no
// name can mean another one tomorrow.
func onlyDigest(dir string) (v1.Hash, error) {
	// FromPath would wait for a FIFO.
	if _, err := safeopen.Read(filepath.Join(dir, "index.json"), oci.MaxManifest); err != nil {
		return v1.Hash{}, err
	}
	path, err := layout.FromPath(dir)
	if err != nil {
		return v1.Hash{}, err
	}
	index, err := path.ImageIndex()
	if err != nil {
		return v1.Hash{}, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return v1.Hash{}, err
	}
	if len(manifest.Manifests) != 1 {
		return v1.Hash{}, fmt.Errorf("the layout holds %d images, a base is the only one", len(manifest.Manifests))
	}
	if !manifest.Manifests[0].MediaType.IsImage() {
		return v1.Hash{}, errors.New("the layout holds an index, not an image")
	}
	return manifest.Manifests[0].Digest, nil
}
