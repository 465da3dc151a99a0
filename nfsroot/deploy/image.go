package deploy

import (
	"cmp"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Image is a finished image in a layout: one that was built, or one that was pulled.
type Image struct {
	Layout *oci.Layout
	Digest v1.Hash
	// Target is what the image was built from. Roots of a target are its generations.
	Target string
	// From is the reference by which it was pulled, with its digest. It is empty
	// where the image was built here.
	From string
	// Verdict says who vouches for an image that was pulled.
	Verdict trust.Verdict
}

var targetName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$`)

// TargetOf returns the target that an image with a title says it was built from, if
// that can be part of a root's name.
func TargetOf(title string) string {
	if !targetName.MatchString(title) {
		return "image"
	}
	return title
}

// Tag is the name that a node root of the image gets by default.
func (i Image) Tag() string { return i.Target + "-" + i.Digest.Hex[:12] }

// Reference names the image by its digest.
func (i Image) Reference() string { return cmp.Or(i.From, i.Target+"@"+i.Digest.String()) }
