package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// FileSet is a set of files that a registry keeps under one manifest, a blob
// each, and that is no image.
type FileSet struct {
	Type        string // its artifactType
	Annotations map[string]string
	Files       []SetFile // a name stands once, bytes may stand more often

	// Open opens the bytes of a file, for PushFiles.
	Open func(v1.Hash) (io.ReadCloser, error)
}

// SetFile is one file of a FileSet.
type SetFile struct {
	Name   string // a path with slashes
	Digest v1.Hash
	Size   int64
}

// manifest is a function of the set alone.
func (s FileSet) manifest() ([]byte, error) {
	config := emptyConfig
	config.Data = ocispec.DescriptorEmptyJSON.Data
	m := v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  s.Type,
		Config:        config,
		Layers:        []v1.Descriptor{},
		Annotations:   s.Annotations,
	}
	for _, f := range s.Files {
		m.Layers = append(m.Layers, v1.Descriptor{
			MediaType:   "application/octet-stream",
			Digest:      f.Digest,
			Size:        f.Size,
			Annotations: map[string]string{ocispec.AnnotationTitle: f.Name},
		})
	}
	data, err := oci.CanonicalJSON(m)
	if err == nil && len(data) > oci.MaxManifest {
		err = fmt.Errorf("the manifest of %d files has more than %d bytes", len(s.Files), oci.MaxManifest)
	}
	return data, err
}

// PushFiles sends a set to a registry and returns the digest of its manifest.
// Only what the repository lacks moves, and the manifest last.
func PushFiles(ctx context.Context, s FileSet, to oci.Reference, o Options) (v1.Hash, error) {
	if o.Stall <= 0 {
		o.Stall = storeTime
	}
	h, err := pushFiles(ctx, s, to, o.withDefaults())
	if err != nil {
		return v1.Hash{}, fmt.Errorf("pushing %d files to %s: %w", len(s.Files), to, err)
	}
	return h, nil
}

func pushFiles(ctx context.Context, s FileSet, to oci.Reference, o Options) (v1.Hash, error) {
	tag, ok := to.Remote().(name.Tag)
	if !ok {
		return v1.Hash{}, errors.New("the destination is no tag of a registry")
	}
	data, err := s.manifest()
	if err != nil {
		return v1.Hash{}, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return v1.Hash{}, err
	}
	p := pusher{s.open, o.newRepository(ctx, tag.Context(), transport.PushScope)}
	if err := p.blobs(ctx, m); err != nil {
		return v1.Hash{}, err
	}
	d := oci.Describe(data, types.OCIManifestSchema1)
	return d.Digest, p.retry(ctx, "manifest "+d.Digest.String(), func(ctx context.Context, _ func(int)) error {
		return p.manifest(ctx, d, data, tag.TagStr())
	})
}

// emptyConfig is what an artifact has for a config: every manifest names one.
var emptyConfig = oci.Describe(ocispec.DescriptorEmptyJSON.Data, types.OCIEmptyJSON)

// open opens a file, or the config.
func (s FileSet) open(h v1.Hash) (io.ReadCloser, error) {
	if h == emptyConfig.Digest {
		return io.NopCloser(bytes.NewReader(ocispec.DescriptorEmptyJSON.Data)), nil
	}
	return s.Open(h)
}

// Files is a FileSet of a registry.
type Files struct {
	FileSet
	ref  oci.Reference
	repo *repository
}

// OpenFiles returns the set of that type which a reference names. Its files are
// brought one by one.
func OpenFiles(ctx context.Context, from oci.Reference, artifactType string, o Options) (*Files, error) {
	r := &Files{ref: from}
	if !from.Registry() {
		return nil, fmt.Errorf("opening %s: it is no registry's", from)
	}
	r.repo = o.withDefaults().newRepository(ctx, from.Remote().Context(), transport.PullScope)
	data, d, err := r.repo.manifest(ctx, from.Remote().Identifier())
	if err == nil {
		r.FileSet, err = readFileSet(data, d.MediaType, artifactType)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", from, err)
	}
	return r, nil
}

func readFileSet(data []byte, t types.MediaType, artifactType string) (FileSet, error) {
	if t != types.OCIManifestSchema1 {
		return FileSet{}, fmt.Errorf("it is %q, not an artifact", t)
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return FileSet{}, fmt.Errorf("reading its manifest: %w", err)
	}
	if m.ArtifactType != artifactType {
		return FileSet{}, fmt.Errorf("it is of the type %q, want %q", m.ArtifactType, artifactType)
	}
	s := FileSet{Type: m.ArtifactType, Annotations: m.Annotations}
	for _, d := range m.Layers {
		if d.Digest.Algorithm != "sha256" || d.Size < 0 {
			return FileSet{}, fmt.Errorf("blob %s of %d bytes: want a sha256 and a size", d.Digest, d.Size)
		}
		s.Files = append(s.Files, SetFile{Name: d.Annotations[ocispec.AnnotationTitle], Digest: d.Digest, Size: d.Size})
	}
	return s, nil
}

// Find returns the file with that digest, and whether the set has one.
func (r *Files) Find(h v1.Hash) (SetFile, bool) {
	for _, f := range r.Files {
		if f.Digest == h {
			return f, true
		}
	}
	return SetFile{}, false
}

// Bring puts the bytes of a file, checked, into a layout. What a break leaves is
// where the next run goes on. progress is told of bytes that came, and may be
// nil.
func (r *Files) Bring(ctx context.Context, to *oci.Layout, f SetFile, progress func(done, total int64)) error {
	repo := *r.repo
	if progress != nil {
		repo.options.Progress = func(t Transfer) { progress(t.Done, t.Total) }
	}
	return fetch(ctx, []*repository{&repo}, v1.Descriptor{Digest: f.Digest, Size: f.Size}, to, "file "+f.Name)
}
