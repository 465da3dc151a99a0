// Package packages keeps what stages gave in registries and layouts, by key. A package
// is up to three images, one for each output, so that any program that knows images
// copies and shows it: that of the root is tagged with the key, and names those of dev
// and tools by digest. Who signed that one signed all three.
package packages

import (
	"context"
	"errors"
	"fmt"
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

// The annotations of a package's images.
const (
	annotationKey    = "org.rootbuild.package.key"
	annotationOutput = "org.rootbuild.package.output"
	annotationDev    = "org.rootbuild.package.dev"   // digest of the image with that output
	annotationTools  = "org.rootbuild.package.tools" // the same
	annotationTitle  = "org.opencontainers.image.title"
	annotationVer    = "org.opencontainers.image.version"
)

// Package is what a stage gave.
type Package struct {
	Key, Name, Version string
	// Images are those of the outputs, by digest, in the layout where the package is.
	// One that is empty has none.
	Images map[Output]v1.Hash
	// Signed are the names of the keys that count for it.
	Signed []string
	// From is the repository or the layout that it came from.
	From string
}

// Place is where packages are kept.
type Place struct {
	// Ref is a repository, HOST/REPOSITORY, or a layout, oci:DIR.
	Ref oci.Reference
	// Policy says whose packages are taken.
	Policy trust.Policy
	// Registry says how registries are spoken to.
	Registry registry.Options
}

// ParsePlace reads HOST/REPOSITORY or oci:DIR.
func ParsePlace(s string) (oci.Reference, error) {
	text := s
	if !oci.IsLocal(s) {
		text += ":key" // a reference has a tag
	}
	ref, err := oci.ParseReference(text)
	if err != nil || !ref.Registry() && s != place(ref) {
		return ref, fmt.Errorf("packages are kept in HOST/REPOSITORY or oci:DIR, without a tag or a digest; have %q", s)
	}
	return ref, nil
}

// place names the repository or the layout of a reference.
func place(r oci.Reference) string {
	if r.Registry() {
		return r.Remote().Context().Name()
	}
	return "oci:" + r.Dir()
}

// String names the place as ParsePlace reads it.
func (p Place) String() string { return place(p.Ref) }

// at is the reference of a package's root.
func (p Place) at(key string) (oci.Reference, error) {
	return oci.ParseReference(place(p.Ref) + ":" + key)
}

// Has says whether the place has a package, whoever made it.
func (p Place) Has(ctx context.Context, key string) (bool, error) {
	if !p.Ref.Registry() {
		_, found, err := oci.Tagged(p.Ref.Dir(), key)
		return found, err
	}
	ref, err := p.at(key)
	if err != nil {
		return false, err
	}
	return registry.Has(ctx, ref, p.Registry)
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

// Take brings the root of a package that the place has into a layout, if the policy lets
// it through, and returns the layer of it. What the package says of itself has to be what
// was asked for, and its layer what rootbuild writes of such files at the epoch. A layout
// takes one at a time.
func (p Place) Take(ctx context.Context, to *oci.Layout, name, key string, epoch time.Time) (Package, oci.Layer, error) {
	ref, err := p.at(key)
	if err != nil {
		return Package{}, oci.Layer{}, err
	}
	pulled, err := registry.Pull(ctx, to, ref, p.Policy, p.Registry)
	if err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	taken, err := read(to, pulled.Digest, name, key)
	if err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	l, err := layer(ctx, to, pulled.Digest, epoch)
	if err != nil {
		return Package{}, oci.Layer{}, p.refuse(ctx, name, err)
	}
	taken.Signed, taken.From = pulled.Verdict.Signed, place(p.Ref)
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
	// Its digest stands in what was signed.
	if _, err := registry.Pull(ctx, to, ref, trust.Unverified, p.Registry); err != nil {
		return p.refuse(ctx, pkg.Name, err)
	}
	return nil
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
	again, err := l.WriteLayer(ctx, r, oci.LayerOptions{Epoch: epoch})
	if err == nil && again.Digest != m.Layers[0].Digest {
		err = fmt.Errorf("its layer is %s, and its files give %s: rootbuild did not write it", m.Layers[0].Digest, again.Digest)
	}
	return again, err
}

// read reads what the image of a root says of its package.
func read(l *oci.Layout, image v1.Hash, name, key string) (Package, error) {
	img, err := l.Image(image)
	if err != nil {
		return Package{}, err
	}
	m, err := img.Manifest()
	if err != nil {
		return Package{}, err
	}
	a := m.Annotations
	switch {
	case a[annotationKey] != key:
		return Package{}, fmt.Errorf("it says that it is the package with key %.12q, and not %.12s", a[annotationKey], key)
	case a[annotationTitle] != name || a[annotationOutput] != string(Root):
		return Package{}, fmt.Errorf("it says that it is output %.20q of package %.40q", a[annotationOutput], a[annotationTitle])
	case len(m.Layers) != 1:
		return Package{}, fmt.Errorf("it has %d layers, and a package has one", len(m.Layers))
	}
	p := Package{Key: key, Name: name, Version: a[annotationVer], Images: map[Output]v1.Hash{Root: image}}
	var errs []error
	for o, text := range map[Output]string{Dev: a[annotationDev], Tools: a[annotationTools]} {
		if text == "" {
			continue
		}
		h, err := v1.NewHash(text)
		errs = append(errs, err)
		p.Images[o] = h
	}
	return p, errors.Join(errs...)
}
