package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// LayerRef is a layer as an image refers to it.
type LayerRef struct {
	Digest v1.Hash
	DiffID v1.Hash
	Size   int64
	// CreatedBy tells in the image's history where the layer came from.
	CreatedBy string
}

// ImageOptions is what an image consists of. Platform's OS and Architecture
// are required.
type ImageOptions struct {
	// Layers are in the layout already, the lowest first.
	Layers   []LayerRef
	Platform v1.Platform
	// Epoch is the image's creation time, in whole seconds. The zero value
	// stands for 1970-01-01.
	Epoch time.Time
	// Annotations go to the manifest, Labels to the config. Their keys are
	// the OCI standard ones where there is one.
	Annotations map[string]string
	Labels      map[string]string
	// Env and Cmd are what a container engine runs the image with.
	Env []string
	Cmd []string
	// Ref names the image in the layout's index. An image without one is in
	// the index by its digest alone.
	Ref string
}

// WriteImage writes the config and the manifest of an image whose layers are
// in the layout, and records it in the index. It returns the manifest's
// digest, which depends on o without Ref and on nothing else.
func (l *Layout) WriteImage(o ImageOptions) (v1.Hash, error) {
	h, err := l.writeImage(o)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("writing image: %w", err)
	}
	return h, nil
}

func (l *Layout) writeImage(o ImageOptions) (v1.Hash, error) {
	if err := l.check(o); err != nil {
		return v1.Hash{}, err
	}
	config, err := l.writeJSON(o.config(), types.OCIConfigJSON)
	if err != nil {
		return v1.Hash{}, err
	}
	manifest, err := l.writeJSON(o.manifest(config), types.OCIManifestSchema1)
	if err != nil {
		return v1.Hash{}, err
	}
	manifest.Platform = &o.Platform
	return manifest.Digest, l.record(manifest, o.Ref)
}

// check returns all that is wrong with o.
func (l *Layout) check(o ImageOptions) error {
	var errs []error
	if o.Platform.OS == "" || o.Platform.Architecture == "" {
		errs = append(errs, fmt.Errorf("platform %q: want an OS and an architecture", o.Platform.String()))
	}
	for _, r := range o.Layers {
		errs = append(errs, l.checkBlob(r.Digest, r.Size))
	}
	return errors.Join(errs...)
}

func (l *Layout) checkBlob(h v1.Hash, size int64) error {
	info, err := os.Stat(l.BlobPath(h))
	if err != nil {
		return fmt.Errorf("blob %s: %w", h, err)
	}
	if info.Size() != size {
		return fmt.Errorf("blob %s: it has %d bytes, want %d", h, info.Size(), size)
	}
	return nil
}

func (o ImageOptions) config() v1.ConfigFile {
	created := v1.Time{Time: epochTime(o.Epoch)}
	c := v1.ConfigFile{
		Architecture: o.Platform.Architecture,
		OS:           o.Platform.OS,
		OSVersion:    o.Platform.OSVersion,
		OSFeatures:   o.Platform.OSFeatures,
		Variant:      o.Platform.Variant,
		Created:      created,
		Config:       v1.Config{Env: o.Env, Cmd: o.Cmd, Labels: o.Labels},
		RootFS:       v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}},
	}
	for _, r := range o.Layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, r.DiffID)
		c.History = append(c.History, v1.History{Created: created, CreatedBy: r.CreatedBy})
	}
	return c
}

func (o ImageOptions) manifest(config v1.Descriptor) v1.Manifest {
	m := v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        config,
		Layers:        []v1.Descriptor{},
		Annotations:   o.Annotations,
	}
	for _, r := range o.Layers {
		m.Layers = append(m.Layers, v1.Descriptor{MediaType: types.OCILayerZStd, Size: r.Size, Digest: r.Digest})
	}
	return m
}

// Image returns the image with the manifest digest h. It is an error, which
// names the blob, if one is missing or has the wrong length. Layers are not
// read here: OpenLayer checks their bytes.
func (l *Layout) Image(h v1.Hash) (v1.Image, error) {
	img, err := l.image(h)
	if err != nil {
		return nil, fmt.Errorf("opening image %s in %s: %w", h, l.dir, err)
	}
	return img, nil
}

func (l *Layout) image(h v1.Hash) (v1.Image, error) {
	img, err := layout.Path(l.dir).Image(h)
	if err != nil {
		return nil, err
	}
	data, err := l.readBlob(h)
	if err != nil {
		return nil, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if _, err := l.readBlob(manifest.Config.Digest); err != nil {
		return nil, err
	}
	var errs []error
	for _, d := range manifest.Layers {
		errs = append(errs, l.checkBlob(d.Digest, d.Size))
	}
	return parseOnce(img), errors.Join(errs...)
}

// parsed is an image whose manifest and config are read once, not for each layer.
// Whoever gets them changes nothing in them.
type parsed struct {
	v1.Image
	manifest func() (*v1.Manifest, error)
	config   func() (*v1.ConfigFile, error)
}

func parseOnce(img v1.Image) parsed {
	return parsed{img, sync.OnceValues(img.Manifest), sync.OnceValues(img.ConfigFile)}
}

// Manifest implements v1.Image.
func (p parsed) Manifest() (*v1.Manifest, error) { return p.manifest() }

// ConfigFile implements v1.Image.
func (p parsed) ConfigFile() (*v1.ConfigFile, error) { return p.config() }

// writeJSON keeps v as a blob and describes it.
func (l *Layout) writeJSON(v any, t types.MediaType) (v1.Descriptor, error) {
	data, err := CanonicalJSON(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	h, err := l.writeBlob(data)
	return v1.Descriptor{MediaType: t, Size: int64(len(data)), Digest: h}, err
}

// CanonicalJSON encodes v with sorted keys, so that the bytes do not follow
// the order in which a module declares its fields.
func CanonicalJSON(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

// epochTime is t in the form that images hold.
func epochTime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return time.Unix(t.Unix(), 0).UTC()
}
