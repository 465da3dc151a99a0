package oci

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Pack returns the artifact that an attachment is, with the bytes of its blobs. The
// image that it refers to is given by its manifest.
func (a Attachment) Pack(image []byte) (Artifact, map[v1.Hash][]byte, error) {
	if err := a.check(); err != nil {
		return Artifact{}, nil, err
	}
	subject, err := describeImage(image)
	if err != nil {
		return Artifact{}, nil, err
	}
	blobs := map[v1.Hash][]byte{}
	keep := func(data []byte, t types.MediaType) v1.Descriptor {
		d := Describe(data, t)
		blobs[d.Digest] = data
		return d
	}
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: a.Type,
		Config: keep(ocispec.DescriptorEmptyJSON.Data, types.OCIEmptyJSON), Subject: &subject, Annotations: a.Annotations,
	}
	for _, b := range a.Blobs {
		d := keep(b.Data, types.MediaType(b.MediaType))
		d.Annotations = b.annotations()
		m.Layers = append(m.Layers, d)
	}
	raw, err := CanonicalJSON(m)
	if err != nil {
		return Artifact{}, nil, err
	}
	d := Describe(raw, types.OCIManifestSchema1)
	d.ArtifactType = a.Type
	return Artifact{d, raw, &m}, blobs, nil
}

// check refuses what could not be read again.
func (a Attachment) check() error {
	switch {
	case a.Type == "":
		return errors.New("the attachment has no type")
	case len(a.Blobs) == 0:
		return errors.New("the attachment has no blob")
	case a.size() > maxAttachment:
		return fmt.Errorf("the attachment has %d bytes, more than %d", a.size(), maxAttachment)
	}
	return nil
}

// size is that of the blobs, in bytes.
func (a Attachment) size() int {
	n := 0
	for _, b := range a.Blobs {
		n += len(b.Data)
	}
	return n
}

func (b AttachedBlob) annotations() map[string]string {
	if b.Title == "" {
		return b.Annotations
	}
	all := map[string]string{ocispec.AnnotationTitle: b.Title}
	maps.Copy(all, b.Annotations)
	return all
}

// describeImage describes an image as what is attached to it refers to it.
func describeImage(manifest []byte) (v1.Descriptor, error) {
	m, err := v1.ParseManifest(bytes.NewReader(manifest))
	if err != nil {
		return v1.Descriptor{}, err
	}
	return Describe(manifest, cmp.Or(m.MediaType, types.OCIManifestSchema1)), nil
}
