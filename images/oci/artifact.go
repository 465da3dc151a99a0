package oci

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Artifact is an attachment as its manifest describes it.
type Artifact struct {
	// Desc describes the manifest.
	Desc v1.Descriptor
	// Raw are its bytes.
	Raw      []byte
	Manifest *v1.Manifest
}

// artifactType is what a manifest says the artifact is: the older way is to
// give the config that type.
func artifactType(m *v1.Manifest) string {
	return cmp.Or(m.ArtifactType, string(m.Config.MediaType))
}

// isArtifact says whether a manifest, which may be nil, is no image's.
func isArtifact(m *v1.Manifest) bool {
	return m != nil && (m.ArtifactType != "" || !m.Config.MediaType.IsConfig() || slices.ContainsFunc(m.Layers, func(d v1.Descriptor) bool { return IsSimple(d) || IsEnvelope(d) }))
}

// Artifacts returns what is attached to an image, each once, in the order of
// digests. Of an artifact that is not wanted no more is read than its manifest.
func Artifacts(ctx context.Context, s Source, subject v1.Hash, wanted func(artifactType string) bool) ([]Artifact, error) {
	list, err := referrers(ctx, s, subject, wanted)
	if err != nil {
		return nil, err
	}
	if len(list) > maxAttachments {
		return nil, fmt.Errorf("it has %d attachments, more than %d", len(list), maxAttachments)
	}
	return readArtifacts(ctx, s, subject, list, wanted)
}

// referrers lists what may be wanted of what refers to an image.
func referrers(ctx context.Context, s Source, subject v1.Hash, wanted func(artifactType string) bool) ([]v1.Descriptor, error) {
	list, err := s.Referrers(ctx, subject)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	list = slices.CompactFunc(list, func(a, b v1.Descriptor) bool { return a.Digest == b.Digest })
	return slices.DeleteFunc(list, func(d v1.Descriptor) bool { return typed(d) && !wanted(d.ArtifactType) }), nil
}

func readArtifacts(ctx context.Context, s Source, subject v1.Hash, list []v1.Descriptor, wanted func(artifactType string) bool) ([]Artifact, error) {
	var found []Artifact
	sum := 0
	for _, d := range list {
		data, _, err := s.Manifest(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("reading attachment %s: %w", d.Digest, err)
		}
		if sum += len(data); sum > maxTaken {
			return nil, fmt.Errorf("the manifests of its attachments have more than %d MiB", maxTaken>>20)
		}
		a, err := newArtifact(data, d.MediaType, subject)
		if err != nil {
			return nil, fmt.Errorf("reading attachment %s: %w", d.Digest, err)
		}
		if wanted(a.Desc.ArtifactType) {
			found = append(found, a)
		}
	}
	return found, nil
}

// typed says whether a list tells the type of what it names. Some programs,
// cosign 2.5 among them, write that of the empty config.
func typed(d v1.Descriptor) bool {
	return d.ArtifactType != "" && d.ArtifactType != string(types.OCIEmptyJSON)
}

// artifacts returns all that is attached to an image of the layout.
func (l *Layout) artifacts(ctx context.Context, subject v1.Hash) (_ []Artifact, err error) {
	from, err := OpenLocal(l.Reference(subject))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return Artifacts(ctx, from, subject, OfType(""))
}

// newArtifact reads the manifest of what is attached to an image.
func newArtifact(data []byte, t types.MediaType, subject v1.Hash) (Artifact, error) {
	m, err := v1.ParseManifest(bytes.NewReader(data))
	switch {
	case err != nil:
		return Artifact{}, err
	case m.SchemaVersion != 2:
		return Artifact{}, fmt.Errorf("schema version %d, want 2", m.SchemaVersion)
	case m.Subject == nil || m.Subject.Digest != subject:
		return Artifact{}, errors.New("it does not refer to the image")
	}
	t = cmp.Or(t, types.OCIManifestSchema1)
	if !t.IsImage() {
		return Artifact{}, fmt.Errorf("its media type %.80q is no manifest's", t)
	}
	a := Artifact{Describe(data, t), data, m}
	a.Desc.ArtifactType = artifactType(m)
	return a, a.check()
}

func (a Artifact) check() error {
	sizes, sum := map[v1.Hash]int64{}, int64(0)
	for _, d := range append([]v1.Descriptor{a.Manifest.Config}, a.Manifest.Layers...) {
		if d.Digest.Algorithm != "sha256" || d.Size < 0 {
			return fmt.Errorf("blob %s of %d bytes: want a sha256 and a size", d.Digest, d.Size)
		}
		if size, ok := sizes[d.Digest]; ok && size != d.Size {
			return fmt.Errorf("blob %s has %d bytes, and %d", d.Digest, size, d.Size)
		}
		sizes[d.Digest] = d.Size
		if sum += d.Size; d.Size > maxAttachment || sum > maxAttachment {
			return fmt.Errorf("its blobs have more than %d bytes", maxAttachment)
		}
	}
	return nil
}

// Blobs returns all that the manifest names, each once.
func (a Artifact) Blobs() []v1.Descriptor {
	return once(append([]v1.Descriptor{a.Manifest.Config}, a.Manifest.Layers...))
}

// Load reads the blobs.
func (a Artifact) Load(ctx context.Context, s Source) (Attachment, error) {
	out := Attachment{Type: a.Desc.ArtifactType, Annotations: a.Manifest.Annotations}
	for _, d := range a.Manifest.Layers {
		data, err := s.Blob(ctx, d)
		if err != nil {
			return Attachment{}, fmt.Errorf("reading attachment %s: blob %s: %w", a.Desc.Digest, d.Digest, err)
		}
		b := AttachedBlob{MediaType: string(d.MediaType), Title: d.Annotations[ocispec.AnnotationTitle], Data: data}
		for k, v := range d.Annotations {
			if k == ocispec.AnnotationTitle {
				continue
			}
			if b.Annotations == nil {
				b.Annotations = map[string]string{}
			}
			b.Annotations[k] = v
		}
		out.Blobs = append(out.Blobs, b)
	}
	return out, nil
}

// carried are the types of attachments that a pull takes along. Others may be
// large, or many: what scanners write at each of their runs.
var carried = []string{
	"application/vnd.rootbuild.", "application/spdx+json", "application/vnd.in-toto+json",
	"application/vnd.dev.sigstore.bundle.", "application/vnd.dev.cosign.",
}

func isCarried(artifactType string) bool {
	return len(artifactType) <= maxType && slices.ContainsFunc(carried, func(prefix string) bool { return strings.HasPrefix(artifactType, prefix) })
}

// attachments returns what a pull takes along of what is attached to an image, and how
// much it leaves. Signatures come first: anybody who writes to a registry may attach what
// pushes others out.
func attachments(ctx context.Context, s Source, subject v1.Hash) (found []Artifact, left int, err error) {
	list, err := referrers(ctx, s, subject, isCarried)
	if err != nil {
		return nil, 0, err
	}
	slices.SortStableFunc(list, func(a, b v1.Descriptor) int { return cmp.Compare(carriedRank(a), carriedRank(b)) })
	left = max(0, len(list)-maxAttachments)
	found, err = readArtifacts(ctx, s, subject, list[:len(list)-left], isCarried)
	if err != nil {
		return nil, 0, err
	}
	return found, left, checkSum(found)
}

// carriedRank orders what a pull takes along: what the list calls a signature, or does
// not tell, and then the rest.
func carriedRank(d v1.Descriptor) int {
	if !typed(d) || strings.HasPrefix(d.ArtifactType, "application/vnd.dev.") {
		return 0
	}
	return 1
}

// checkSum refuses artifacts that have more bytes than all of an image's may have.
func checkSum(list []Artifact) error {
	sum := int64(0)
	for _, a := range list {
		sum += int64(len(a.Raw))
		for _, d := range a.Manifest.Layers {
			sum += d.Size
		}
		sum += a.Manifest.Config.Size
	}
	if sum > maxTaken {
		return fmt.Errorf("it has %d MiB, more than %d", sum>>20, maxTaken>>20)
	}
	return nil
}

func (l *Layout) takeAttachment(ctx context.Context, s Source, a Artifact) error {
	for _, d := range a.Blobs() {
		if l.checkBlob(d.Digest, d.Size) == nil {
			continue
		}
		if err := s.Bring(ctx, l, d, "attachment "+d.Digest.String()); err != nil {
			return err
		}
	}
	if _, err := l.writeBlob(a.Raw); err != nil {
		return err
	}
	return l.record(a.Desc, "")
}
