package base

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	specs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Find returns the digest of the base that an earlier Bootstrap with the same options
// wrote to layout, and whether there is one.
func Find(layout *oci.Layout, o Options) (v1.Hash, bool, error) {
	h, found, err := indexed(layout.Dir(), o.withDefaults().ref())
	if err != nil || !found {
		return v1.Hash{}, false, err
	}
	if _, err := layout.Image(h); err != nil {
		return v1.Hash{}, false, fmt.Errorf("opening the base %s: %w", h, err)
	}
	return h, true, nil
}

// Look returns the base to build in, and whether it is there already: the image that ref
// names, as Resolve reads it, or the one that Bootstrap makes from an archive.
func Look(layout *oci.Layout, ref, archive string) (v1.Hash, bool, error) {
	if ref == "" {
		return Find(layout, Options{Mirror: archive})
	}
	digest, err := Resolve(ref)
	if err != nil {
		return v1.Hash{}, false, err
	}
	_, err = layout.Image(digest)
	return digest, err == nil, nil
}

// indexed looks ref up in the index of the layout in dir.
func indexed(dir, ref string) (v1.Hash, bool, error) {
	path, err := ggcr.FromPath(dir)
	if err != nil {
		return v1.Hash{}, false, fmt.Errorf("looking for the base in %s: %w", dir, err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return v1.Hash{}, false, fmt.Errorf("looking for the base in %s: %w", dir, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return v1.Hash{}, false, fmt.Errorf("looking for the base in %s: %w", dir, err)
	}
	for _, d := range manifest.Manifests {
		if d.Annotations[specs.AnnotationRefName] == ref {
			return d.Digest, true, nil
		}
	}
	return v1.Hash{}, false, nil
}
