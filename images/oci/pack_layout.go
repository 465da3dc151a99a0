package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Archive writes the layout, with all its images, as a tar in the place of file.
func (l *Layout) Archive(ctx context.Context, file string) error {
	err := toFile(file, func(w io.Writer) error { return l.pack(ctx, w) })
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

func (l *Layout) pack(ctx context.Context, w io.Writer) error {
	index, err := safeopen.Read(l.path(indexFile), safeopen.Unlimited)
	if err != nil {
		return err
	}
	blobs, err := os.ReadDir(l.path("blobs/sha256"))
	if err != nil {
		return err
	}
	a := archive{tar.NewWriter(w)}
	err = errors.Join(a.bytes(layoutFile, []byte(layoutMarker)), a.bytes(indexFile, index), a.dir("blobs"), a.dir("blobs/sha256"))
	for _, b := range blobs {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		err = l.packBlob(ctx, a, filepath.Join("blobs/sha256", b.Name()))
	}
	return errors.Join(err, a.Close())
}

func (l *Layout) packBlob(ctx context.Context, a archive, name string) (err error) {
	f, err := safeopen.File(l.path(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := a.file(name, info.Size()); err != nil {
		return err
	}
	_, err = io.Copy(a, WithContext(ctx, f))
	return err
}

// TakeAll brings all that the index of another layout, or of an archive, names, under the
// same names. Every blob is checked, and nobody is asked whether it is trusted.
func (l *Layout) TakeAll(ctx context.Context, from Local) error {
	index, err := from.index()
	if err != nil {
		return err
	}
	for _, d := range index.Manifests {
		if err := l.takeTree(ctx, from, d); err != nil {
			return err
		}
		if err := l.record(d, d.Annotations[refName]); err != nil {
			return err
		}
	}
	return nil
}

// takeTree brings a manifest after what it names.
func (l *Layout) takeTree(ctx context.Context, from Local, d v1.Descriptor) error {
	data, _, err := from.Manifest(ctx, d)
	if err != nil {
		return err
	}
	if d.MediaType.IsIndex() {
		return fmt.Errorf("manifest %s: an index within an index is not taken", d.Digest)
	}
	// Of an image or of an artifact: what it holds is judged when it is used.
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	for _, b := range append(append([]v1.Descriptor{}, m.Layers...), m.Config) {
		if err := from.Bring(ctx, l, b, "blob "+b.Digest.String()); err != nil {
			return err
		}
	}
	return from.Bring(ctx, l, Describe(data, d.MediaType), "manifest "+d.Digest.String())
}
