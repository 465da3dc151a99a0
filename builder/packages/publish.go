package packages

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Made is a package that a builder has: the layers of its outputs lie in the layout.
type Made struct {
	Key, Name, Version string
	Platform           v1.Platform
	Epoch              time.Time
	Layers             map[Output]oci.Layer
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
	var errs []error
	for _, o := range []Output{Dev, Tools} {
		layer, ok := m.Layers[o]
		if !ok || len(layer.Entries) == 0 {
			continue
		}
		h, err := m.image(l, o, nil)
		errs = append(errs, err)
		others[o] = h
	}
	root, err = m.image(l, Root, others)
	return root, others, errors.Join(append(errs, err)...)
}

func (m Made) image(l *oci.Layout, o Output, others map[Output]v1.Hash) (v1.Hash, error) {
	a := map[string]string{
		annotationKey: m.Key, annotationOutput: string(o), annotationTitle: m.Name, annotationVer: m.Version,
	}
	for other, name := range map[Output]string{Dev: annotationDev, Tools: annotationTools} {
		if h, ok := others[other]; ok {
			a[name] = h.String()
		}
	}
	return l.WriteImage(oci.ImageOptions{
		Layers:   []oci.LayerRef{m.Layers[o].Ref(string(o) + " of " + m.Name + " " + m.Version)},
		Platform: m.Platform, Epoch: m.Epoch, Annotations: a,
	})
}
