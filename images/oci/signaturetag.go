package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// signatureTag is where cosign keeps signatures of the older form in a
// registry: the layers of a manifest under a tag made of the digest.
func signatureTag(subject v1.Hash) string { return referrersTag(subject) + ".sig" }

// Loose returns the signatures under that tag, of all places: see Referrers.
func (s remoteSource) Loose(ctx context.Context, subject v1.Hash, _ func([]byte) (v1.Hash, error)) ([]Attachment, error) {
	var all []Attachment
	var errs []error
	for _, r := range s.places {
		m, err := r.signatures(ctx, subject)
		if err != nil {
			errs = append(errs, fmt.Errorf("from %s: %w", r.repo, err))
			continue
		}
		list, err := simpleSignatures(ctx, remoteSource{s.ref, []*repository{r}}, m)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	if len(errs) == len(s.places) {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// signatures returns the manifest under the tag, without layers where there is
// none.
func (r *repository) signatures(ctx context.Context, subject v1.Hash) (*v1.Manifest, error) {
	data, _, err := r.manifest(ctx, signatureTag(subject))
	if lacking(err) {
		return &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading tag %s: %w", signatureTag(subject), err)
	}
	return m, nil
}

// simpleSignatures makes each signature of a manifest an attachment.
func simpleSignatures(ctx context.Context, s Source, m *v1.Manifest) ([]Attachment, error) {
	var list []Attachment
	for _, d := range m.Layers {
		if !isSimple(d) {
			continue
		}
		if d.Size < 0 || d.Size > maxManifest || len(list) == maxSignatures {
			return nil, fmt.Errorf("signature %s: one has at most %d bytes, and an image at most %d of them", d.Digest, maxManifest, maxSignatures)
		}
		text, err := s.Blob(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("reading signature %s: %w", d.Digest, err)
		}
		list = append(list, simpleAttachment(text, d.Annotations[signatureKey]))
	}
	return list, nil
}

func isSimple(d v1.Descriptor) bool { return d.MediaType == simpleType }

// Loose returns the signatures of manifests that refer to nothing, as copies of
// the tag have them.
func (l Local) Loose(ctx context.Context, subject v1.Hash, of func(signed []byte) (v1.Hash, error)) ([]Attachment, error) {
	index, err := l.index()
	if err != nil {
		return nil, err
	}
	var all []Attachment
	for _, d := range index.Manifests {
		m := l.peek(ctx, d)
		if m == nil || m.Subject != nil {
			continue
		}
		list, err := simpleSignatures(ctx, l, m)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if image, err := of(a.Blobs[0].Data); err == nil && image == subject {
				all = append(all, a)
			}
		}
	}
	return all, nil
}

// signatures adds those of the older form to the tag, beside what others put
// there.
func (p pusher) signatures(ctx context.Context, subject v1.Hash, list []Artifact) error {
	var add []v1.Descriptor
	for _, a := range list {
		if a.Desc.ArtifactType == simpleArtifact {
			add = append(add, slices.DeleteFunc(slices.Clone(a.Manifest.Layers), func(d v1.Descriptor) bool { return !isSimple(d) })...)
		}
	}
	if len(add) == 0 {
		return nil
	}
	return p.retry(ctx, "signatures "+signatureTag(subject), func(ctx context.Context, _ func(int)) error {
		return p.addSignatures(ctx, subject, add)
	})
}

func (p pusher) addSignatures(ctx context.Context, subject v1.Hash, add []v1.Descriptor) error {
	for range listTries {
		m, err := p.to.signatures(ctx, subject)
		if err != nil {
			return err
		}
		missing := slices.DeleteFunc(slices.Clone(add), func(d v1.Descriptor) bool {
			return slices.ContainsFunc(m.Layers, func(have v1.Descriptor) bool {
				return have.Digest == d.Digest && have.Annotations[signatureKey] == d.Annotations[signatureKey]
			})
		})
		if len(missing) == 0 {
			return nil
		}
		m.Layers = append(m.Layers, missing...)
		if err := p.putSignatures(ctx, subject, m); err != nil {
			return err
		}
	}
	return fmt.Errorf("others change it at the same time; gave up after %d tries: push again", listTries)
}

// putSignatures gives the manifest a config that names the layers: cosign reads
// it before it adds one.
func (p pusher) putSignatures(ctx context.Context, subject v1.Hash, m *v1.Manifest) error {
	config := v1.ConfigFile{RootFS: v1.RootFS{Type: "layers"}}
	for _, d := range m.Layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, d.Digest)
		config.History = append(config.History, v1.History{})
	}
	text, err := canonicalJSON(config)
	if err != nil {
		return err
	}
	m.Config = describe(text, types.OCIConfigJSON)
	open := blobsOf(map[v1.Hash][]byte{m.Config.Digest: text})
	err = pusher{open, p.to}.blob(ctx, m.Config, "config of "+signatureTag(subject), func(int) {})
	if err != nil {
		return err
	}
	data, err := canonicalJSON(m)
	if err != nil {
		return err
	}
	return p.manifest(ctx, describe(data, types.OCIManifestSchema1), data, signatureTag(subject))
}
