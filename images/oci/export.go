package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/renameio/v2"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Export writes the image h to a destination, where name, which may be empty,
// names it. A layout and an archive of one get what is attached to it too. Every byte is checked against its digest on the way. A file is
// written beside its place and renamed, and the same image under the same name
// gives the same file; a directory gets what it lacks of the image.
func (l *Layout) Export(ctx context.Context, h v1.Hash, d Destination, name string) error {
	if err := l.export(ctx, h, d, name); err != nil {
		return fmt.Errorf("exporting image %s to %s: %w", h, d, err)
	}
	return nil
}

func (l *Layout) export(ctx context.Context, h v1.Hash, d Destination, name string) error {
	img, err := l.Image(h)
	if err != nil {
		return err
	}
	e, err := newExporter(ctx, l, img, name)
	if err != nil {
		return err
	}
	switch d.Format {
	case FormatLayout:
		return e.toLayout(ctx, d.Path)
	case FormatArchive:
		return toFile(d.Path, func(w io.Writer) error { return e.toArchive(ctx, w) })
	case FormatDocker:
		return toFile(d.Path, func(w io.Writer) error { return e.toDocker(ctx, w) })
	}
	return fmt.Errorf("format %q is unknown; want %s", d.Format, destinationForms)
}

// exporter holds what every destination needs to know of an image.
type exporter struct {
	layout   *Layout
	img      v1.Image
	name     string
	manifest *v1.Manifest
	desc     v1.Descriptor // of the manifest
	attached []Artifact
}

func newExporter(ctx context.Context, l *Layout, img v1.Image, name string) (*exporter, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	size, err := img.Size()
	if err != nil {
		return nil, err
	}
	desc := v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: size, Digest: digest, Platform: config.Platform()}
	attached, err := l.artifacts(ctx, digest)
	if err != nil {
		return nil, err
	}
	return &exporter{layout: l, img: img, name: name, manifest: manifest, desc: desc, attached: attached}, nil
}

// blobs returns the blobs of the image and of what is attached to it, each once,
// and each manifest after what it names, which must be there first.
func (e *exporter) blobs() []v1.Descriptor {
	all := append(append([]v1.Descriptor{}, e.manifest.Layers...), e.manifest.Config, e.desc)
	for _, a := range e.attached {
		all = append(append(all, a.Blobs()...), a.Desc)
	}
	return once(all)
}

// toLayout adds the image to the layout in dir.
func (e *exporter) toLayout(ctx context.Context, dir string) error {
	to, err := OpenLayout(dir)
	if err != nil {
		return err
	}
	for _, d := range e.blobs() {
		if to.checkBlob(d.Digest, d.Size) == nil {
			continue
		}
		if err := e.copyBlob(ctx, to, d); err != nil {
			return err
		}
	}
	for _, a := range e.attached {
		if err := to.record(a.Desc, ""); err != nil {
			return err
		}
	}
	return to.record(e.desc, e.name)
}

func (e *exporter) copyBlob(ctx context.Context, to *Layout, d v1.Descriptor) error {
	_, err := to.fill(func(w io.Writer) error { return e.sendBlob(ctx, w, d) })
	return err
}

// sendBlob writes the blob d to w, and is an error if its bytes are not d's.
func (e *exporter) sendBlob(ctx context.Context, w io.Writer, d v1.Descriptor) error {
	f, err := safeopen.File(e.layout.BlobPath(d.Digest))
	if err != nil {
		return err
	}
	defer f.Close()
	got, _, err := v1.SHA256(io.TeeReader(WithContext(ctx, f), w))
	if err != nil {
		return fmt.Errorf("copying blob %s: %w", d.Digest, err)
	}
	if got != d.Digest {
		return fmt.Errorf("copying blob %s: its bytes have digest %s", d.Digest, got)
	}
	return nil
}

// toArchive writes a layout with this one image as a tar.
func (e *exporter) toArchive(ctx context.Context, w io.Writer) error {
	a := archive{tar.NewWriter(w)}
	index := newIndex()
	index.Manifests = place(nil, e.desc, e.name)
	for _, a := range e.attached {
		index.Manifests = place(index.Manifests, a.Desc, "")
	}
	data, err := CanonicalJSON(index)
	if err != nil {
		return err
	}
	err = errors.Join(a.bytes(layoutFile, []byte(layoutMarker)), a.bytes(indexFile, data), a.dir("blobs"), a.dir("blobs/sha256"))
	if err != nil {
		return err
	}
	for _, d := range e.blobs() {
		if err := a.file("blobs/sha256/"+d.Digest.Hex, d.Size); err != nil {
			return err
		}
		if err := e.sendBlob(ctx, a, d); err != nil {
			return err
		}
	}
	return a.Close()
}

// toFile writes a file beside its place and renames it there when it is whole.
func toFile(path string, write func(io.Writer) error) (err error) {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }()
	if err := write(f); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}
