package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	if r.format == FormatArchive {
		f, err := openTar(r.path)
		return Local{f, r}, err
	}
	root, err := safeopen.Root(r.path)
	return Local{dirFiles{root}, r}, err
}

// Reference returns what the source was opened by.
func (l Local) Reference() Reference { return l.ref }

// file returns one that fits into memory.
func (l Local) file(name string, limit int64) (_ []byte, err error) {
	f, err := l.open(name)
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

// Tagged returns the reference of the image that the layout in dir knows by a
// name, and whether there is one. It writes nothing.
func Tagged(dir, name string) (_ Reference, found bool, err error) {
	r := Reference{format: FormatLayout, path: dir}
	l, err := OpenLocal(r)
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
