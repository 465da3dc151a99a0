// Package packages keeps what stages gave in registries and layouts, by key. A package
// is up to three images, one for each output, so that any program that knows images
// copies and shows it: that of the root is tagged with the key, and with the key by
// content, and names those of dev and tools by digest. Who signed that one signed all
// three.
package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Output is one of those that a stage has.
type Output string

// The outputs.
const (
	Root  Output = "root"  // what nodes get
	Dev   Output = "dev"   // headers and the like
	Tools Output = "tools" // what runs in steps
)

// Outputs are those of every stage, in the order in which they are packed.
var Outputs = []Output{Root, Dev, Tools}

// Package is what a stage gave.
type Package struct {
	Key, Name, Version string
	// Content is the key by content, "" where nobody knew what it was built with.
	Content string
	// Images are those of the outputs, by digest, in the layout where the package is.
	// One that is empty has none.
	Images map[Output]v1.Hash
	// Layers are the layers of those images.
	Layers map[Output]Layer
	// Signed are the names of the keys that count for it.
	Signed []string
	// SignedIDs are the IDs of these keys. Records of before have none.
	SignedIDs []string
	// From is the repository or the layout that it came from.
	From string
}

// Layer is the one layer of an output.
type Layer struct {
	Digest v1.Hash
	Size   int64 // in bytes, packed
}

// LayerOf is the layer as a package has it: of an output but the root that is empty it
// has none.
func LayerOf(o Output, l oci.Layer) Layer {
	if o != Root && len(l.Entries) == 0 {
		return Layer{}
	}
	return Layer{Digest: l.Digest, Size: l.Size}
}

// Place is where packages are kept.
type Place struct {
	// Ref is a repository, HOST/REPOSITORY, a layout, oci:DIR, or an archive of one,
	// oci-archive:FILE.
	Ref oci.Reference
	// Policy says whose packages are taken.
	Policy trust.Policy
	// Registry says how registries are spoken to.
	Registry registry.Options
}

// ParsePlace reads HOST/REPOSITORY, oci:DIR or oci-archive:FILE.
func ParsePlace(s string) (oci.Reference, error) {
	text := s
	if !oci.IsLocal(s) {
		text += ":key" // a reference has a tag
	}
	ref, err := oci.ParseReference(text)
	if err != nil || !ref.Registry() && s != place(ref) || ref.Format() == oci.FormatDocker {
		return ref, fmt.Errorf("packages are kept in HOST/REPOSITORY, oci:DIR or oci-archive:FILE, without a tag or a digest; have %q", s)
	}
	return ref, nil
}

// place names the repository or the layout of a reference.
func place(r oci.Reference) string {
	if r.Registry() {
		return r.Remote().Context().Name()
	}
	return string(r.Format()) + ":" + r.Path()
}

// String names the place as ParsePlace reads it.
func (p Place) String() string { return place(p.Ref) }

// at is the reference of a package's root.
func (p Place) at(tag string) (oci.Reference, error) {
	return oci.ParseReference(place(p.Ref) + ":" + tag)
}

// contentPrefix begins the tags of keys by content.
const contentPrefix = "content-"

// ByContent is the tag of the package with a key by content.
func ByContent(content string) string { return contentPrefix + content }

func contentOf(tag string) (string, bool) { return strings.CutPrefix(tag, contentPrefix) }

// Look returns what the package with a tag says of itself, whoever made it, and whether
// the place has one. The tag is a key, or that of a key by content.
func (p Place) Look(ctx context.Context, tag string) (pkg Package, found bool, err error) {
	ref, err := p.at(tag)
	if err != nil {
		return Package{}, false, err
	}
	if !p.Ref.Registry() {
		if ref, found, err = p.Ref.Tagged(tag); !found || err != nil {
			return Package{}, false, err
		}
	}
	m, image, err := registry.Manifest(ctx, ref, p.Registry)
	if m == nil || err != nil {
		return Package{}, false, err
	}
	// One that says nothing of itself is refused when it is taken.
	pkg, _ = describe(m, image)
	pkg.From = place(p.Ref)
	return pkg, true, nil
}

// A RefusedError says why a package that is there is not taken: for what it is, and not
// because it did not come.
type RefusedError struct {
	Name, Place string
	Err         error
}

// Error names the package and the place.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("package %s of %s is refused: %v", e.Name, e.Place, e.Err)
}

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// Take brings the root of a package that the place has by a tag into a layout, if the
// policy lets it through, and returns the layer of it. What the package says of itself
// has to be what was asked for, and its layer what rootbuild writes of such files at the
// epoch. A layout takes one at a time.
func (p Place) Take(ctx context.Context, to *oci.Layout, name, tag string, epoch time.Time) (Package, oci.Layer, error) {
	there, found, err := p.Look(ctx, tag)
	if err != nil {
		return Package{}, oci.Layer{}, err
	}
	image := there.Images[Root]
	if !found || image == (v1.Hash{}) {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, errors.New("it is not what rootbuild publishes"))
	}
	if err := there.Layers[Root].check(); err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	ref, err := oci.ParseReference(place(p.Ref) + "@" + image.String())
	if err != nil {
		return Package{}, oci.Layer{}, err
	}
	pulled, err := registry.Pull(ctx, to, ref, p.Policy, p.Registry)
	if err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	taken, err := read(to, pulled.Digest, name, tag)
	if err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	l, err := layer(ctx, to, pulled.Digest, epoch)
	if err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	taken.Signed, taken.SignedIDs, taken.From = pulled.Verdict.Signed, pulled.Verdict.SignedIDs, place(p.Ref)
	return taken, l, nil
}

// Bring brings another output of a package into the layout.
func (p Place) Bring(ctx context.Context, to *oci.Layout, pkg Package, o Output) error {
	image, ok := pkg.Images[o]
	if !ok {
		return nil
	}
	ref, err := oci.ParseReference(place(p.Ref) + "@" + image.String())
	if err != nil {
		return err
	}
	if err := pkg.Layers[o].check(); err != nil {
		return p.refuse(ctx, pkg.Name, err)
	}
	// Its digest stands in what was signed.
	_, err = registry.Pull(ctx, to, ref, trust.Unverified, p.Registry)
	if err == nil {
		err = holds(to, image, pkg.Layers[o])
	}
	if err != nil {
		return p.refuse(ctx, pkg.Name, err)
	}
	return nil
}

// holds says why an image is not one of that layer.
func holds(l *oci.Layout, image v1.Hash, layer Layer) error {
	m, err := manifest(l, image)
	if err == nil && (len(m.Layers) != 1 || m.Layers[0].Digest != layer.Digest) {
		err = fmt.Errorf("image %s has not the one layer that the package says, %s", image, layer.Digest)
	}
	return err
}

func manifest(l *oci.Layout, image v1.Hash) (*v1.Manifest, error) {
	img, err := l.Image(image)
	if err != nil {
		return nil, err
	}
	return img.Manifest()
}

// read reads what the image of a root in a layout says of the package that a tag promised.
func read(l *oci.Layout, image v1.Hash, name, tag string) (Package, error) {
	m, err := manifest(l, image)
	if err != nil {
		return Package{}, err
	}
	p, err := describe(m, image)
	return p, cmp.Or(err, p.check(name, tag))
}

// refuse is the error of a package that is not taken. Where it did not come, or this host
// could not keep it, that is no matter of the package.
func (p Place) refuse(ctx context.Context, name string, err error) error {
	var host syscall.Errno
	if ctx.Err() != nil || registry.Unreachable(err) || errors.As(err, &host) && host != syscall.ENOENT {
		return fmt.Errorf("taking package %s of %s: %w", name, p, err)
	}
	return &RefusedError{name, p.String(), err}
}

// Is says whether an image is an output of a package, by its manifest.
func Is(m *v1.Manifest) bool { return m.Annotations[annotationKey] != "" }

// layer reads the one layer of an image.
func layer(ctx context.Context, l *oci.Layout, image v1.Hash, epoch time.Time) (_ oci.Layer, err error) {
	img, err := l.Image(image)
	if err != nil {
		return oci.Layer{}, err
	}
	m, err := img.Manifest()
	if err != nil {
		return oci.Layer{}, err
	}
	r, err := oci.OpenLayer(img, 0)
	if err != nil {
		return oci.Layer{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	again, err := l.WriteLayer(ctx, &bounded{r, maxUnpacked}, oci.LayerOptions{Epoch: epoch})
	if err == nil && again.Digest != m.Layers[0].Digest {
		err = fmt.Errorf("its layer is %s, and its files give %s: rootbuild did not write it", m.Layers[0].Digest, again.Digest)
	}
	return again, err
}
