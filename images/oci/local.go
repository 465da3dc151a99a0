package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Local is a layout, or an archive of one, that is only read. It implements
// Source.
type Local struct {
	files
	ref Reference
}

// OpenLocal opens the layout, or the archive, that a reference names.
func OpenLocal(r Reference) (Local, error) {
	if r.Registry() {
		return Local{}, errors.New("it is in a registry")
	}
	info, err := os.Stat(r.path)
	switch {
	case err != nil:
		return Local{}, err
	case info.IsDir() && r.format != FormatLayout:
		return Local{}, fmt.Errorf("%s is a directory: name it oci:DIR", r.path)
	case info.Mode().IsRegular() && r.format == FormatLayout:
		return Local{}, fmt.Errorf("%s is a file: name it oci-archive:FILE, or docker-archive:FILE as docker save and podman save write it", r.path)
	}
	switch r.format {
	case FormatArchive:
		f, err := openTar(r.path)
		return Local{f, r}, err
	case FormatDocker:
		f, err := openDocker(r.path)
		return Local{f, r}, err
	}
	root, err := safeopen.Root(r.path)
	return Local{dirFiles{root}, r}, err
}

// Reference returns what the source was opened by.
func (l Local) Reference() Reference { return l.ref }

// file returns one that fits into memory.
func (l Local) file(name string, limit int64) ([]byte, error) { return readFile(l.files, name, limit) }

func readFile(from files, name string, limit int64) (_ []byte, err error) {
	f, err := from.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data, err
}

// Open opens a blob, whose bytes are not checked.
func (l Local) Open(h v1.Hash) (io.ReadCloser, error) {
	return l.open("blobs/" + h.Algorithm + "/" + h.Hex)
}

// Manifest returns the blob that an index names.
func (l Local) Manifest(_ context.Context, d v1.Descriptor) ([]byte, types.MediaType, error) {
	data, err := l.file("blobs/"+d.Digest.Algorithm+"/"+d.Digest.Hex, MaxManifest)
	if err != nil {
		return nil, "", err
	}
	if got := Describe(data, d.MediaType); got.Digest != d.Digest {
		return nil, "", fmt.Errorf("manifest %s: %w", d.Digest, &DamagedError{got.Digest})
	}
	return data, d.MediaType, nil
}

// index returns the layout's list of images.
func (l Local) index() (v1.IndexManifest, error) {
	data, err := l.file(indexFile, maxIndex)
	if errors.Is(err, fs.ErrNotExist) && l.ref.format == FormatArchive {
		if f, manifestErr := l.open(dockerManifest); manifestErr == nil {
			return v1.IndexManifest{}, errors.Join(fmt.Errorf("it is what docker save and podman save write: name it docker-archive:%s", l.ref.path), f.Close())
		}
	}
	if err != nil {
		return v1.IndexManifest{}, err
	}
	_, index, err := ReadManifest(data, types.OCIImageIndex)
	if err != nil {
		return v1.IndexManifest{}, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	return *index, nil
}

// find returns what the index leads to, for a digest or for the only image.
func (l Local) find(ctx context.Context, h v1.Hash) (v1.Descriptor, error) {
	index, err := l.index()
	if err != nil {
		return v1.Descriptor{}, err
	}
	if h == (v1.Hash{}) && l.ref.name != "" {
		return l.named(index)
	}
	if h == (v1.Hash{}) {
		if len(index.Manifests) > 1 {
			index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return isArtifact(l.peek(ctx, d)) })
		}
		return pick(&index)
	}
	d, found, err := l.below(ctx, index, h, new(int))
	if err == nil && !found {
		err = fmt.Errorf("its index does not name %s", h)
	}
	return d, err
}

// maxNested is how many indexes in indexes are looked at, for an image that its digest
// names.
const maxNested = 100

// below finds what an index, or one that it names, has under a digest.
func (l Local) below(ctx context.Context, index v1.IndexManifest, h v1.Hash, seen *int) (v1.Descriptor, bool, error) {
	for _, d := range index.Manifests {
		if d.Digest == h {
			return d, true, nil
		}
	}
	for _, d := range index.Manifests {
		if !d.MediaType.IsIndex() {
			continue
		}
		if *seen++; *seen > maxNested {
			return v1.Descriptor{}, false, fmt.Errorf("it holds more than %d indexes", maxNested)
		}
		data, t, err := l.Manifest(ctx, d)
		if err != nil {
			return v1.Descriptor{}, false, err
		}
		_, nested, err := ReadManifest(data, t)
		if err != nil || nested == nil {
			continue // who picks it will say so
		}
		if found, ok, err := l.below(ctx, *nested, h, seen); ok || err != nil {
			return found, ok, err
		}
	}
	return v1.Descriptor{}, false, nil
}

// named returns what the index calls by a name.
func (l Local) named(index v1.IndexManifest) (v1.Descriptor, error) {
	var names []string
	for _, d := range index.Manifests {
		name := d.Annotations[refName]
		if name == l.ref.name {
			return d, nil
		}
		if name != "" {
			names = append(names, printable(name))
		}
	}
	if len(names) == 0 {
		return v1.Descriptor{}, fmt.Errorf("its index names no image %q, nor any other", l.ref.name)
	}
	return v1.Descriptor{}, fmt.Errorf("its index names no image %q; it names %s", l.ref.name, listed(names, ", "))
}

// Resolve reads the manifest that the reference leads to.
func (l Local) Resolve(ctx context.Context) ([]byte, v1.Descriptor, error) {
	d, err := l.find(ctx, l.ref.digest)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	data, _, err := l.Manifest(ctx, d)
	return data, d, err
}

// peek returns the manifest of an index's entry if that may be an artifact: an
// index need not say which of them are.
func (l Local) peek(ctx context.Context, d v1.Descriptor) *v1.Manifest {
	if d.MediaType.IsIndex() || d.Platform != nil && !namedArtifact(d) {
		return nil
	}
	data, _, err := l.Manifest(ctx, d)
	if err != nil {
		return nil // who needs it will say so
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return m
}

// Referrers returns what the index names and refers to an image.
func (l Local) Referrers(ctx context.Context, subject v1.Hash) ([]v1.Descriptor, error) {
	index, err := l.index()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool {
		m := l.peek(ctx, d)
		return m == nil || m.Subject == nil || m.Subject.Digest != subject
	}), nil
}

// Blob reads a blob into memory.
func (l Local) Blob(ctx context.Context, d v1.Descriptor) (_ []byte, err error) {
	f, err := l.Open(d.Digest)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(NewVerifier(WithContext(ctx, f), d))
}

// Bring copies a blob to another layout.
func (l Local) Bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error {
	if err := l.copyBlob(ctx, to, d); err != nil {
		return fmt.Errorf("copying %s: %w", object, err)
	}
	return nil
}

func (l Local) copyBlob(ctx context.Context, to *Layout, d v1.Descriptor) error {
	f, err := l.Open(d.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = to.fill(func(w io.Writer) error {
		_, err := io.Copy(w, NewVerifier(WithContext(ctx, f), d))
		return err
	})
	return err
}

// Names returns the names of the images that a layout, or an archive of one, knows; none
// where there is no such layout.
func (r Reference) Names() (names []string, err error) {
	l, err := OpenLocal(Reference{format: r.format, path: r.path})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening OCI layout %s: %w", r.path, err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	index, err := l.index()
	for _, d := range index.Manifests {
		if name := d.Annotations[refName]; name != "" {
			names = append(names, name)
		}
	}
	return names, err
}

// Tagged returns the reference of the image that the layout in dir knows by a
// name, and whether there is one. It writes nothing.
func Tagged(dir, name string) (Reference, bool, error) {
	return Reference{format: FormatLayout, path: dir}.Tagged(name)
}

// Tagged is the function Tagged for a layout, or an archive of one, that r names.
func (r Reference) Tagged(name string) (_ Reference, found bool, err error) {
	r = Reference{format: r.format, path: r.path}
	l, err := OpenLocal(r)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("opening OCI layout %s: %w", r.path, err)
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
