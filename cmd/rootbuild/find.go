package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot"
)

// findImage returns the image that a person means: in a layout, or in that of
// the state directory.
func findImage(what, images, roots string) (oci.Reference, error) {
	if strings.HasPrefix(what, "oci:") || strings.HasPrefix(what, "oci-archive:") {
		from, err := oci.ParseReference(what)
		if err != nil {
			return from, usageError{err}
		}
		return from, nil
	}
	named, found, err := oci.Tagged(images, what)
	if err != nil {
		return oci.Reference{}, err
	}
	digest, err := digestOf(what, roots)
	if err != nil {
		return oci.Reference{}, err
	}
	ofRoot, err := oci.ParseReference("oci:" + images + "@" + digest.String())
	switch {
	case found && digest != (v1.Hash{}) && named != ofRoot:
		return oci.Reference{}, fmt.Errorf("%s is the name of an image, %s, and of a node root with another one, %s: name it by its digest", what, named, ofRoot)
	case found:
		return named, nil
	case digest == (v1.Hash{}):
		return oci.Reference{}, fmt.Errorf("%q is no node root in %s and no image in %s (see rootbuild ls)", what, roots, images)
	}
	return ofRoot, err
}

// digestOf returns the digest that a reference ends with, or that of a root's
// image; it is zero when there is none.
func digestOf(what, roots string) (v1.Hash, error) {
	if _, digest, ok := strings.Cut(what, "@"); ok {
		h, err := v1.NewHash(digest)
		if err != nil {
			return h, usageError{fmt.Errorf("reference %q: %w", what, err)}
		}
		return h, nil
	}
	view, err := nfsroot.OpenReadOnly(roots)
	if errors.Is(err, fs.ErrNotExist) {
		return v1.Hash{}, nil
	}
	if err != nil {
		return v1.Hash{}, err
	}
	list, err := view.List()
	if err != nil {
		return v1.Hash{}, err
	}
	for _, r := range list {
		if r.Tag == what {
			return r.Digest, nil
		}
	}
	return v1.Hash{}, nil
}

// findAnywhere is findImage, for images in registries too: their references have
// a slash, which no tag has.
func findAnywhere(what, images, roots string) (oci.Reference, error) {
	local := strings.HasPrefix(what, "oci:") || strings.HasPrefix(what, "oci-archive:")
	if local || !strings.Contains(what, "/") {
		return findImage(what, images, roots)
	}
	return parseRegistry(what)
}
