package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/oci"
)

// write adds the target's own files as the last layer, and writes the image if
// there is nothing in it that may not be.
func (b build) write(ctx context.Context, layers []oci.Layer) (v1.Hash, error) {
	t := b.graph.Target
	own, err := b.ownLayer(ctx, layers)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("packing the files of target %s: %w", t.Name, err)
	}
	if err := errors.Join(b.checkSecrets(append(slices.Clone(layers), own)), pack.CheckLeaks(b.state, b.layout, b.graph, layers)); err != nil {
		return v1.Hash{}, err
	}
	return b.image(layers, own)
}

// image writes the image of the packages' layers and the target's own.
func (b build) image(layers []oci.Layer, own oci.Layer) (v1.Hash, error) {
	t := b.graph.Target
	var refs []oci.LayerRef
	for i, name := range b.graph.Packages {
		refs = append(refs, layers[i].Ref("package "+name+" "+b.graph.Recipe(name).Version))
	}
	refs = append(refs, own.Ref("target "+t.Name))
	return b.layout.WriteImage(oci.ImageOptions{
		Layers:   refs,
		Platform: b.platform(),
		Epoch:    t.Epoch,
		Annotations: map[string]string{
			"org.opencontainers.image.title":       t.Name,
			"org.opencontainers.image.description": t.Description,
			"org.opencontainers.image.created":     t.Epoch.UTC().Format("2006-01-02T15:04:05Z"),
		},
		Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Cmd: []string{"/bin/sh"},
		Ref: t.Name,
	})
}

// some writes an image of some packages alone, to compare them by.
func (b build) some(packages []pack.Package, layers []oci.Layer) (v1.Hash, error) {
	o := oci.ImageOptions{Platform: b.platform(), Epoch: b.graph.Target.Epoch}
	for i, p := range packages {
		o.Layers = append(o.Layers, layers[i].Ref("package "+p.Name+" "+b.graph.Recipe(p.Name).Version))
	}
	return b.layout.WriteImage(o)
}

func (b build) platform() v1.Platform {
	os, arch, _ := strings.Cut(b.graph.Target.Platforms[0], "/")
	return v1.Platform{OS: os, Architecture: arch}
}

// checkSecrets refuses layers with what no root may hold. The last layer is the
// target's own.
func (b build) checkSecrets(layers []oci.Layer) error {
	var errs []error
	for i, layer := range layers {
		found, err := pack.Secrets(b.layout, layer)
		if err != nil {
			return err
		}
		from := "target " + b.graph.Target.Name
		if i < len(b.graph.Packages) {
			from = "package " + b.graph.Packages[i]
		}
		for _, s := range found {
			errs = append(errs, fmt.Errorf("%s brings /%s: %s; every host that can mount a root reads it", from, s.Path, s.What))
		}
	}
	return errors.Join(errs...)
}

// ownLayer packs what starts the services, and over it the target's files. The
// directories above them keep the owner and mode that the packages gave them.
func (b build) ownLayer(ctx context.Context, layers []oci.Layer) (oci.Layer, error) {
	t := b.graph.Target
	t.Files = append(b.graph.Node.Render(), t.Files...)
	var paths []string
	own := map[string]bool{}
	for _, f := range t.Layer() {
		paths = append(paths, f.Path)
		own[f.Path] = true
	}
	parents, err := pack.Parents(layers, paths)
	if err != nil {
		return oci.Layer{}, err
	}
	for _, e := range parents {
		if p := "/" + e.Path; !own[p] {
			t.Files = append(t.Files, images.File{Path: p, Directory: true, Mode: uint32(e.Mode), UID: e.UID, GID: e.GID})
		}
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(t.WriteTar(w)) }()
	return b.layout.WriteLayer(ctx, r, oci.LayerOptions{Epoch: t.Epoch})
}
