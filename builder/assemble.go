package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/initramfs"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/oci"
)

// write writes the image, if there is nothing in it that may not be. There is a layer
// for each of the graph's contents.
func (b build) write(ctx context.Context, layers []oci.Layer) (v1.Hash, error) {
	parts, err := b.parts(ctx, layers)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := errors.Join(b.checkSecrets(parts), pack.CheckLeaks(b.state, b.layout, b.graph, layers)); err != nil {
		return v1.Hash{}, err
	}
	return b.image(parts)
}

// part is a layer of the image, and what it is.
type part struct {
	oci.Layer
	of      string // as errors tell it
	version string // that the image's history tells, too
}

// parts are the layers of the image, the lowest first: those of the packages, the
// kernel's initramfs, and the target's own files.
func (b build) parts(ctx context.Context, layers []oci.Layer) ([]part, error) {
	var parts []part
	for i, name := range b.graph.Packages {
		parts = append(parts, part{layers[i], "package " + name, b.graph.Recipe(name).Version})
	}
	t := b.graph.Target
	if t.Kernel.Recipe != "" {
		made, err := initramfs.Make(ctx, b.state, b.layout, b.graph, layers)
		if err != nil {
			return nil, fmt.Errorf("making the initramfs of target %s: %w", t.Name, err)
		}
		parts = append(parts, part{made.Layer, "initramfs", made.Release})
	}
	own, err := b.ownLayer(ctx, parts)
	if err != nil {
		return nil, fmt.Errorf("packing the files of target %s: %w", t.Name, err)
	}
	return append(parts, part{Layer: own, of: "target " + t.Name}), nil
}

// image writes the image of its parts.
func (b build) image(parts []part) (v1.Hash, error) {
	t := b.graph.Target
	var refs []oci.LayerRef
	for _, p := range parts {
		refs = append(refs, p.Ref(strings.TrimSpace(p.of+" "+p.version)))
	}
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

// checkSecrets refuses what no root may hold.
func (b build) checkSecrets(parts []part) error {
	var errs []error
	for _, p := range parts {
		found, err := pack.Secrets(b.layout, p.Layer)
		if err != nil {
			return err
		}
		for _, s := range found {
			errs = append(errs, fmt.Errorf("%s brings /%s: %s; every host that can mount a root reads it", p.of, s.Path, s.What))
		}
	}
	return errors.Join(errs...)
}

// ownLayer packs what starts the services, and over it the target's files. The
// directories above them keep the owner and mode that the packages gave them.
func (b build) ownLayer(ctx context.Context, parts []part) (oci.Layer, error) {
	t := b.graph.Target
	t.Files = append(b.graph.Node.Render(), t.Files...)
	var paths []string
	own := map[string]bool{}
	for _, f := range t.Layer() {
		paths = append(paths, f.Path)
		own[f.Path] = true
	}
	layers := make([]oci.Layer, len(parts))
	for i, p := range parts {
		layers[i] = p.Layer
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
