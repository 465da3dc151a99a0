package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// MaxManifest bounds a manifest or config, in bytes: what the registries' own
// standard asks them to take.
const MaxManifest = 4 << 20

// maxLayers bounds the layers of an image. Container engines take a fourth of it, and
// each costs requests and a place to be unpacked from.
const maxLayers = 500

// Describe returns the descriptor of bytes of that media type.
func Describe(data []byte, t types.MediaType) v1.Descriptor {
	h, size, _ := v1.SHA256(bytes.NewReader(data)) // a byte slice is read without an error
	return v1.Descriptor{MediaType: t, Size: size, Digest: h}
}

// once returns the first descriptor of each blob.
func once(list []v1.Descriptor) []v1.Descriptor {
	seen := map[v1.Hash]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(d v1.Descriptor) bool {
		again := seen[d.Digest]
		seen[d.Digest] = true
		return again
	})
}

// ReadManifest reads an image's manifest or an index, of which one is nil. One
// that could be taken for both, by one program for the one and by the next for
// the other, is refused.
func ReadManifest(data []byte, t types.MediaType) (*v1.Manifest, *v1.IndexManifest, error) {
	var shape struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Manifests     json.RawMessage `json:"manifests"`
		Config        json.RawMessage `json:"config"`
		Layers        json.RawMessage `json:"layers"`
	}
	if err := json.Unmarshal(data, &shape); err != nil {
		return nil, nil, err
	}
	image, index := shape.Config != nil || shape.Layers != nil, shape.Manifests != nil
	switch {
	case shape.SchemaVersion != 2:
		return nil, nil, fmt.Errorf("schema version %d, want 2", shape.SchemaVersion)
	case image && index:
		return nil, nil, errors.New("it is an image and an index at once")
	case shape.MediaType != "" && t != "" && shape.MediaType != t:
		return nil, nil, fmt.Errorf("it calls itself %q and came as %q", shape.MediaType, t)
	}
	if t == "" {
		t = shape.MediaType
	}
	switch {
	case index && t.IsIndex():
		list, err := v1.ParseIndexManifest(bytes.NewReader(data))
		return nil, list, err
	case image && t.IsImage():
		m, err := v1.ParseManifest(bytes.NewReader(data))
		if err == nil {
			err = checkManifest(m)
		}
		return m, nil, err
	}
	return nil, nil, fmt.Errorf("media type %q: it is neither an image nor an index", t)
}

// checkManifest tells all that keeps an image from being a root's, before any
// of its layers moves.
func checkManifest(m *v1.Manifest) error {
	var errs []error
	if m.ArtifactType != "" {
		errs = append(errs, fmt.Errorf("it is an artifact, %q, and no image", m.ArtifactType))
	}
	if t := m.Config.MediaType; !slices.Contains([]types.MediaType{types.OCIConfigJSON, types.DockerConfigJSON}, t) {
		errs = append(errs, fmt.Errorf("its config is %q: it is an artifact and no image", t))
	}
	if m.Config.Size > MaxManifest {
		errs = append(errs, fmt.Errorf("its config has %d bytes, more than %d", m.Config.Size, MaxManifest))
	}
	if n := len(m.Layers); n > maxLayers {
		return errors.Join(append(errs, fmt.Errorf("it has %d layers, more than %d", n, maxLayers))...)
	}
	sizes := map[v1.Hash]int64{}
	for i, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if d.Digest.Algorithm != "sha256" || d.Size < 0 {
			errs = append(errs, fmt.Errorf("blob %s of %d bytes: want a sha256 and a size", d.Digest, d.Size))
		}
		if size, ok := sizes[d.Digest]; ok && size != d.Size {
			errs = append(errs, fmt.Errorf("blob %s has %d bytes, and %d", d.Digest, size, d.Size))
		}
		sizes[d.Digest] = d.Size
		if i > 0 && !layerKnown(d.MediaType) {
			errs = append(errs, fmt.Errorf("layer %s: media type %q is no layer known here", d.Digest, d.MediaType))
		}
	}
	return errors.Join(errs...)
}

func layerKnown(t types.MediaType) bool {
	switch t {
	case types.OCILayerZStd, types.OCILayer, types.DockerLayer, types.OCIUncompressedLayer, types.DockerUncompressedLayer:
		return true
	}
	return false
}

// checkConfig refuses an image that nodes could not run.
func checkConfig(data []byte, m *v1.Manifest) error {
	config, err := v1.ParseConfigFile(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if err := checkPlatform(config); err != nil {
		return err
	}
	if n := len(config.RootFS.DiffIDs); n != len(m.Layers) {
		return fmt.Errorf("the config has %d layers, the manifest %d", n, len(m.Layers))
	}
	return nil
}

// namedArtifact says of an index's entry whether it calls itself an artifact. Some
// programs put the type of an image's config there.
func namedArtifact(d v1.Descriptor) bool {
	return d.ArtifactType != "" && !types.MediaType(d.ArtifactType).IsConfig()
}
