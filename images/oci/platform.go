package oci

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// platform is what rootbuild builds and nodes boot.
var platform = v1.Platform{OS: "linux", Architecture: "amd64"}

// maxListed bounds how many images of an index, or platforms, an error names.
const maxListed = 20

// normal returns a platform in the form in which containerd compares them. What it
// does not say counts as ours: the image may be.
func normal(os, architecture, variant string) ocispec.Platform {
	return platforms.Normalize(ocispec.Platform{
		OS: cmp.Or(os, platform.OS), Architecture: cmp.Or(architecture, platform.Architecture), Variant: variant,
	})
}

// runs says whether nodes run what is for a platform: if it is ours, or one of its
// variants, which ask for more than each node may have.
func runs(p ocispec.Platform) bool {
	return p.OS == platform.OS && p.Architecture == platform.Architecture
}

// pick returns the image of an index that is for our platform. An entry that
// names none, as those of layouts often do, may be.
func pick(index *v1.IndexManifest) (v1.Descriptor, error) {
	ours := platforms.OnlyStrict(normal("", "", ""))
	var fit, variants []v1.Descriptor
	var others []string
	for _, d := range index.Manifests {
		if !d.MediaType.IsImage() && !d.MediaType.IsIndex() || namedArtifact(d) {
			continue
		}
		var p v1.Platform
		if d.Platform != nil {
			p = *d.Platform
		}
		switch p := normal(p.OS, p.Architecture, p.Variant); {
		case ours.Match(p):
			fit = append(fit, d)
		case runs(p):
			variants = append(variants, d)
		default:
			others = append(others, printable(platforms.Format(p)))
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		return v1.Descriptor{}, fmt.Errorf("it holds %d images: name one as @sha256:DIGEST:%s", len(fit), choices(fit))
	case len(variants) > 0:
		return v1.Descriptor{}, fmt.Errorf("it holds no image for %s, but for variants of it: if all nodes run it, name one as @sha256:DIGEST:%s", platform, choices(variants))
	case len(others) > 0:
		return v1.Descriptor{}, fmt.Errorf("it holds images for %s, and none for %s", listed(others, ", "), platform)
	}
	return v1.Descriptor{}, errors.New("it holds no image")
}

// choices lists images to choose from, with what tells them apart.
func choices(list []v1.Descriptor) string {
	var lines []string
	for _, d := range list {
		words := []string{d.Digest.String()}
		if d.Platform != nil {
			words = append(words, printable(d.Platform.String()))
		}
		if name := d.Annotations[refName]; name != "" {
			words = append(words, printable(name))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	const each = "\n    "
	return each + listed(lines, each)
}

// listed joins the first of a list, and says how many there are beside them.
func listed(list []string, separator string) string {
	if more := len(list) - maxListed; more > 0 {
		list = append(list[:maxListed:maxListed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, separator)
}

// printable returns a text of an image as a terminal may show it: quoted where it
// holds what it would not show.
func printable(s string) string {
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// checkPlatform refuses an image whose config says that it is for other nodes.
func checkPlatform(c *v1.ConfigFile) error {
	if runs(normal(c.OS, c.Architecture, "")) {
		return nil
	}
	return fmt.Errorf("the image is for %q, want %s", c.OS+"/"+c.Architecture, platform)
}
