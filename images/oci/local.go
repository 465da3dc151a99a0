package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// files are those of a layout that is only read, by their names in it.
type files interface {
	open(name string) (io.ReadCloser, error)
	io.Closer
}

// dirFiles are a directory's. A link may not lead out of it.
type dirFiles struct{ *os.Root }

func (d dirFiles) open(name string) (io.ReadCloser, error) { return d.Open(name) }

// tarFiles are those of a tar, which is read in place.
type tarFiles struct {
	*os.File
	at map[string]section
}

type section struct{ offset, size int64 }

func (t tarFiles) open(name string) (io.ReadCloser, error) {
	s, ok := t.at[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(t.File, s.offset, s.size)), nil
}

// openTar finds where in a tar its files begin.
func openTar(file string) (_ files, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	t := tarFiles{f, map[string]section{}}
	for archive := tar.NewReader(f); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			t.at[path.Clean(h.Name)] = section{offset, h.Size}
		}
	}
}

// local is a layout that is only read.
type local struct{ files }

func openLocal(r Reference) (local, error) {
	if r.format == FormatArchive {
		f, err := openTar(r.path)
		return local{f}, err
	}
	root, err := os.OpenRoot(r.path)
	return local{dirFiles{root}}, err
}

// file returns one that fits into memory.
func (l local) file(name string) (_ []byte, err error) {
	f, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(data) > maxManifest {
		err = fmt.Errorf("%s has more than %d bytes", name, maxManifest)
	}
	return data, err
}

func (l local) blob(h v1.Hash) (io.ReadCloser, error) {
	return l.open("blobs/" + h.Algorithm + "/" + h.Hex)
}

// manifest returns the blob that an index names.
func (l local) manifest(_ context.Context, d v1.Descriptor) ([]byte, types.MediaType, error) {
	data, err := l.file("blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex)
	if err != nil {
		return nil, "", err
	}
	if got := describe(data, d.MediaType); got.Digest != d.Digest {
		return nil, "", fmt.Errorf("manifest %s: %w", d.Digest, &damagedError{got.Digest})
	}
	return data, d.MediaType, nil
}

// index returns the layout's list of images.
func (l local) index() (v1.IndexManifest, error) {
	data, err := l.file(indexFile)
	if err != nil {
		return v1.IndexManifest{}, err
	}
	_, index, err := readManifest(data, types.OCIImageIndex)
	if err != nil {
		return v1.IndexManifest{}, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	return *index, nil
}

// find returns what the index leads to, for a digest or for the only image.
func (l local) find(ctx context.Context, h v1.Hash) (v1.Descriptor, error) {
	index, err := l.index()
	if err != nil {
		return v1.Descriptor{}, err
	}
	if h == (v1.Hash{}) {
		if len(index.Manifests) > 1 {
			index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return isArtifact(l.peek(ctx, d)) })
		}
		return pick(&index)
	}
	for _, d := range index.Manifests {
		if d.Digest == h {
			return d, nil
		}
	}
	return v1.Descriptor{}, fmt.Errorf("its index does not name %s", h)
}

// resolve reads the manifest that a reference of the layout leads to.
func (l local) resolve(ctx context.Context, r Reference) ([]byte, v1.Descriptor, error) {
	d, err := l.find(ctx, r.digest)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	data, _, err := l.manifest(ctx, d)
	return data, d, err
}

// peek returns the manifest of an index's entry if that may be an artifact: an
// index need not say which of them are.
func (l local) peek(ctx context.Context, d v1.Descriptor) *v1.Manifest {
	if d.MediaType.IsIndex() || d.Platform != nil && !namedArtifact(d) {
		return nil
	}
	data, _, err := l.manifest(ctx, d)
	if err != nil {
		return nil // who needs it will say so
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return m
}

// attached returns what the index names and refers to an image.
func (l local) attached(ctx context.Context, subject v1.Hash) ([]v1.Descriptor, error) {
	index, err := l.index()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool {
		m := l.peek(ctx, d)
		return m == nil || m.Subject == nil || m.Subject.Digest != subject
	}), nil
}

// small reads a blob into memory.
func (l local) small(ctx context.Context, d v1.Descriptor) (_ []byte, err error) {
	f, err := l.blob(d.Digest)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(newVerifier(contextReader{ctx, f}, d))
}

// bring copies a blob of another layout.
func (l local) bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error {
	if err := l.copyBlob(ctx, to, d); err != nil {
		return fmt.Errorf("copying %s: %w", object, err)
	}
	return nil
}

func (l local) copyBlob(ctx context.Context, to *Layout, d v1.Descriptor) error {
	f, err := l.blob(d.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := to.newBlob()
	if err != nil {
		return err
	}
	defer b.discard()
	if _, err := io.Copy(b, newVerifier(contextReader{ctx, f}, d)); err != nil {
		return err
	}
	_, err = b.commit()
	return err
}

// Tagged returns the reference of the image that the layout in dir knows by a
// name, and whether there is one. It writes nothing.
func Tagged(dir, name string) (_ Reference, found bool, err error) {
	r := Reference{format: FormatLayout, path: dir}
	l, err := openLocal(r)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("opening OCI layout %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	index, err := l.index()
	for _, d := range index.Manifests {
		if d.Annotations[refName] == name && name != "" {
			r.digest, found = d.Digest, true
		}
	}
	return r, found, err
}
