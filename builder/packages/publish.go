package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/compare"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Made is a package that a builder has: the layers of its outputs lie in the layout.
type Made struct {
	Key, Name, Version string
	Content            string // the key by content; "" if it is not known
	Platform           v1.Platform
	Epoch              time.Time
	Layers             map[Output]oci.Layer
}

// Edit calls write for the place, or, for an archive, for a layout of what it holds, and
// then writes the archive anew, if that has more by then.
func (p Place) Edit(ctx context.Context, write func(Place) error) (err error) {
	if p.Ref.Format() != oci.FormatArchive {
		return write(p)
	}
	dir, err := os.MkdirTemp(filepath.Dir(p.Ref.Path()), "."+filepath.Base(p.Ref.Path())+".*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	layout, err := oci.OpenLayout(dir)
	if err != nil {
		return err
	}
	held, err := oci.OpenLocal(p.Ref)
	if err == nil {
		err = errors.Join(layout.TakeAll(ctx, held), held.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading %s: %w", p, err)
	}
	before, err := p.Ref.Names()
	if err != nil {
		return err
	}
	to := p
	if to.Ref, err = oci.ParseReference("oci:" + dir); err != nil {
		return err
	}
	if err := write(to); err != nil {
		return err
	}
	after, err := to.Ref.Names()
	if err != nil || len(before) == len(after) && len(after) > 0 { // nothing is overwritten
		return err
	}
	return layout.Archive(ctx, p.Ref.Path())
}

// Publish writes the images of a package in the layout that has its layers, and sends
// them to the place, signed if there is a key. The root goes last: who sees the key
// finds the rest.
func (p Place) Publish(ctx context.Context, from *oci.Layout, m Made, key *trust.PrivateKey) error {
	root, others, err := m.write(from)
	if err != nil {
		return fmt.Errorf("writing package %s: %w", m.Name, err)
	}
	if key != nil {
		o := trust.SignOptions{Key: key, Repository: p.Ref.Repository()}
		if err := trust.Sign(from, root, o); err != nil {
			return err
		}
	}
	for _, o := range slices.Sorted(maps.Keys(others)) {
		if err := p.send(ctx, from, others[o], m.Key+"."+string(o)); err != nil {
			return err
		}
	}
	return p.tag(ctx, from, root, m)
}

// tag sends the root by its keys. The first package by content stays.
func (p Place) tag(ctx context.Context, from *oci.Layout, root v1.Hash, m Made) error {
	if m.Content != "" {
		tag := ByContent(m.Content)
		_, found, err := p.Look(ctx, tag)
		if err == nil && !found {
			err = p.send(ctx, from, root, tag)
		}
		if err != nil {
			return err
		}
	}
	return p.send(ctx, from, root, m.Key)
}

func (p Place) send(ctx context.Context, from *oci.Layout, image v1.Hash, tag string) error {
	to, err := p.at(tag)
	if err != nil {
		return err
	}
	if !p.Ref.Registry() {
		return from.Export(ctx, image, oci.Destination{Format: oci.FormatLayout, Path: p.Ref.Dir()}, tag)
	}
	_, err = registry.Push(ctx, from.Reference(image), to, p.Registry)
	return err
}

// write writes the images of the outputs that are not empty, and that of the root in
// any case.
func (m Made) write(l *oci.Layout) (root v1.Hash, others map[Output]v1.Hash, err error) {
	others = map[Output]v1.Hash{}
	a := map[string]string{}
	if m.Content != "" {
		a[annotationContent] = m.Content
	}
	var errs []error
	for _, o := range []Output{Dev, Tools} {
		layer, ok := m.Layers[o]
		if !ok || len(layer.Entries) == 0 {
			continue
		}
		h, err := m.image(l, o, map[string]string{})
		errs = append(errs, err)
		others[o] = h
		annotate(a, o, h, Layer{layer.Digest, layer.Size})
	}
	root, err = m.image(l, Root, a)
	return root, others, errors.Join(append(errs, err)...)
}

// image writes the image of an output, which says a of itself too.
func (m Made) image(l *oci.Layout, o Output, a map[string]string) (v1.Hash, error) {
	a[annotationKey], a[annotationOutput] = m.Key, string(o)
	a[annotationTitle], a[annotationVer] = m.Name, m.Version
	return l.WriteImage(oci.ImageOptions{
		Layers:   []oci.LayerRef{m.Layers[o].Ref(m.layer(o))},
		Platform: m.Platform, Epoch: m.Epoch, Annotations: a,
	})
}

// layer is what images call the layer of an output.
func (m Made) layer(o Output) string { return string(o) + " of " + m.Name + " " + m.Version }

// Compare tells how an output of a package that somebody else made, and that the place
// has, differs from the same one made here, whose layer is in the layout. It brings the
// other one there.
func (p Place) Compare(ctx context.Context, l *oci.Layout, there Package, here Made, o Output) ([]compare.Difference, error) {
	other, has := there.Images[o]
	made := o == Root || len(here.Layers[o].Entries) > 0
	switch {
	case has && !made:
		return []compare.Difference{{Layer: here.layer(o), Kind: compare.Missing}}, nil
	case !has:
		return []compare.Difference{{Layer: here.layer(o), Kind: compare.Added}}, nil
	}
	if err := p.Bring(ctx, l, there, o); err != nil {
		return nil, err
	}
	ours, err := here.image(l, o, map[string]string{})
	if err != nil {
		return nil, err
	}
	a, errA := l.Image(other)
	b, errB := l.Image(ours)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	return compare.Images(a, b, here.layer(o))
}
