package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// dockerManifest lists the images of a tar as `docker save` and `podman save` write it.
const dockerManifest = "manifest.json"

// dockerFiles are those of such a tar, as if it were a layout. It has no manifests, so
// they are made of what it has, always the same; its layers have the digests that their
// config tells, and are held to them when they are read.
type dockerFiles struct {
	tarFiles
	made  map[string][]byte // files that it has not
	names map[string]string // in the tar, of those that it has
}

func (d dockerFiles) open(name string) (io.ReadCloser, error) {
	if data, ok := d.made[name]; ok {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	if have, ok := d.names[name]; ok {
		name = have
	}
	return d.tarFiles.open(name)
}

func openDocker(file string) (_ files, err error) {
	t, err := openTar(file)
	if err != nil {
		return nil, err
	}
	d := dockerFiles{t, map[string][]byte{}, map[string]string{}}
	if err := d.makeIndex(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading docker archive %s: %w", file, err), t.Close())
	}
	return d, nil
}

func (d dockerFiles) makeIndex() error {
	var list tarball.Manifest
	text, err := readFile(d.tarFiles, dockerManifest, MaxManifest)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return err
	}
	index := newIndex()
	for _, image := range list {
		m, err := d.manifest(image)
		if err != nil {
			return err
		}
		desc, err := d.make(m, types.OCIManifestSchema1)
		if err != nil {
			return err
		}
		index.Manifests = append(index.Manifests, desc)
		for _, tag := range image.RepoTags {
			index.Manifests = place(index.Manifests, desc, tag)
		}
	}
	d.made[indexFile], err = CanonicalJSON(index)
	return err
}

// make keeps v as a blob of the layout.
func (d dockerFiles) make(v any, t types.MediaType) (v1.Descriptor, error) {
	data, err := CanonicalJSON(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	desc := Describe(data, t)
	d.made[blobName(desc.Digest)] = data
	return desc, nil
}

func blobName(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// manifest makes that of an image.
func (d dockerFiles) manifest(image tarball.Descriptor) (v1.Manifest, error) {
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Layers: []v1.Descriptor{}}
	text, err := readFile(d.tarFiles, image.Config, MaxManifest)
	if err != nil {
		return m, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(text))
	if err != nil {
		return m, fmt.Errorf("%q: %w", image.Config, err)
	}
	if have, want := len(image.Layers), len(config.RootFS.DiffIDs); have != want {
		return m, fmt.Errorf("it has %d layers, and %q names %d", have, image.Config, want)
	}
	m.Config = Describe(text, types.OCIConfigJSON)
	d.made[blobName(m.Config.Digest)] = text
	for i, name := range image.Layers {
		l, err := d.layer(name, config.RootFS.DiffIDs[i])
		if err != nil {
			return m, fmt.Errorf("layer %q: %w", name, err)
		}
		d.names[blobName(l.Digest)] = name
		m.Layers = append(m.Layers, l)
	}
	return m, nil
}

// layer describes one, packed or not.
func (d dockerFiles) layer(name string, diffID v1.Hash) (v1.Descriptor, error) {
	s, err := d.find(name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	r := io.NewSectionReader(d.File, s.offset, s.size)
	var magic [2]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return v1.Descriptor{}, err
	}
	if magic != [2]byte{0x1f, 0x8b} {
		return v1.Descriptor{MediaType: types.OCIUncompressedLayer, Size: s.size, Digest: diffID}, nil
	}
	h, size, err := v1.SHA256(r)
	return v1.Descriptor{MediaType: types.OCILayer, Size: size, Digest: h}, err
}
