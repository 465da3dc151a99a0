package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot"
)

// NameError is of a name that no image can have.
type NameError struct{ error }

// Unwrap returns what is wrong with the name.
func (e NameError) Unwrap() error { return e.error }

// FindImage returns the image that a person means: that of a node root's tag, the
// newest of a target's name or NAME@DIGEST in the layout images, or one in a layout
// of its own, oci:DIR, oci-archive:FILE or docker-archive:FILE.
func FindImage(what, images, roots string) (oci.Reference, error) {
	if oci.IsLocal(what) {
		from, err := oci.ParseReference(what)
		if err != nil {
			return from, NameError{err}
		}
		return from, nil
	}
	named, found, err := oci.Tagged(images, what)
	if err != nil {
		return oci.Reference{}, err
	}
	digest, err := DigestOf(what, roots)
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

// DigestOf returns the digest that a reference ends with, or that of the image of a
// node root's tag; it is zero when there is none.
func DigestOf(what, roots string) (v1.Hash, error) {
	if _, digest, ok := strings.Cut(what, "@"); ok {
		h, err := v1.NewHash(digest)
		if err != nil {
			return h, NameError{fmt.Errorf("reference %q: %w", what, err)}
		}
		return h, nil
	}
	images, err := Images(roots)
	return images[what], err
}

// Images are those that node roots were unpacked from, by the tags of the roots. There
// need be no roots on a host that only builds.
func Images(roots string) (map[string]v1.Hash, error) {
	view, err := nfsroot.OpenReadOnly(roots)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := view.List()
	tags := map[string]v1.Hash{}
	for _, r := range list {
		tags[r.Tag] = r.Digest
	}
	return tags, err
}
