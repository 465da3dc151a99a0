package packages

import (
	"errors"
	"fmt"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The annotations of a package's images. Those of dev and tools stand at the root's too,
// so that its signature covers them.
const (
	annotationKey     = "org.rootbuild.package.key"
	annotationContent = "org.rootbuild.package.content" // the key by content
	annotationOutput  = "org.rootbuild.package.output"
	annotationTitle   = "org.opencontainers.image.title"
	annotationVer     = "org.opencontainers.image.version"
)

// annotation names what the root says of another output: "" is the digest of its image,
// "layer" that of its layer, "size" the bytes of that.
func annotation(o Output, what string) string {
	name := "org.rootbuild.package." + string(o)
	if what != "" {
		name += "." + what
	}
	return name
}

// annotate says at the root what another output is.
func annotate(to map[string]string, o Output, image v1.Hash, l Layer) {
	to[annotation(o, "")] = image.String()
	to[annotation(o, "layer")] = l.Digest.String()
	to[annotation(o, "size")] = strconv.FormatInt(l.Size, 10)
}

// describe reads what the image of a root says of its package.
func describe(m *v1.Manifest, image v1.Hash) (Package, error) {
	a := m.Annotations
	if len(m.Layers) != 1 {
		return Package{}, fmt.Errorf("it has %d layers, and a package has one", len(m.Layers))
	}
	if a[annotationOutput] != string(Root) {
		return Package{}, fmt.Errorf("it says that it is output %.20q of package %.40q", a[annotationOutput], a[annotationTitle])
	}
	p := Package{
		Key: a[annotationKey], Content: a[annotationContent], Name: a[annotationTitle], Version: a[annotationVer],
		Images: map[Output]v1.Hash{Root: image},
		Layers: map[Output]Layer{Root: {m.Layers[0].Digest, m.Layers[0].Size}},
	}
	var errs []error
	for _, o := range []Output{Dev, Tools} {
		if a[annotation(o, "")] != "" {
			errs = append(errs, p.other(o, a))
		}
	}
	return p, errors.Join(errs...)
}

// other reads what the root's annotations say of another output.
func (p Package) other(o Output, a map[string]string) error {
	var errs [3]error
	var l Layer
	p.Images[o], errs[0] = v1.NewHash(a[annotation(o, "")])
	l.Digest, errs[1] = v1.NewHash(a[annotation(o, "layer")])
	l.Size, errs[2] = strconv.ParseInt(a[annotation(o, "size")], 10, 64)
	p.Layers[o] = l
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("what it says of its output %s: %w", o, err)
	}
	return nil
}

// check says why the package is not the one of that name that a tag promised.
func (p Package) check(name, tag string) error {
	key, of := p.Key, tag
	if content, ok := contentOf(tag); ok {
		key, of = p.Content, content
	}
	switch {
	case key != of:
		return fmt.Errorf("it says that it is the package with key %.12q, and not %.12s", key, of)
	case p.Name != name:
		return fmt.Errorf("it says that it is package %.40q", p.Name)
	}
	return nil
}
