package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// signatureTag is where cosign keeps signatures of the older form in a
// registry: the layers of a manifest under a tag made of the digest.
func signatureTag(subject v1.Hash) string { return referrersTag(subject) + ".sig" }

// Loose returns the signatures under that tag, of all places: see Referrers.
func (s source) Loose(ctx context.Context, subject v1.Hash, _ func([]byte) (v1.Hash, error)) ([]oci.Attachment, error) {
	var all []oci.Attachment
	var errs []error
	for _, r := range s.places {
		m, err := r.signatures(ctx, subject)
		if err != nil {
			errs = append(errs, fmt.Errorf("from %s: %w", r.repo, err))
			continue
		}
		list, err := oci.LoadSimple(ctx, source{s.ref, []*repository{r}}, m)
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

// signatures adds those of the older form to the tag, beside what others put
// there.
func (p pusher) signatures(ctx context.Context, subject v1.Hash, list []oci.Artifact) error {
	var add []v1.Descriptor
	for _, a := range list {
		if a.Desc.ArtifactType == oci.SimpleArtifact {
			add = append(add, slices.DeleteFunc(slices.Clone(a.Manifest.Layers), func(d v1.Descriptor) bool { return !oci.IsSimple(d) })...)
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
				return have.Digest == d.Digest && have.Annotations[oci.SimpleSignature] == d.Annotations[oci.SimpleSignature]
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
	text, err := oci.CanonicalJSON(config)
	if err != nil {
		return err
	}
	m.Config = oci.Describe(text, types.OCIConfigJSON)
	open := blobsOf(map[v1.Hash][]byte{m.Config.Digest: text})
	err = pusher{open, p.to}.blob(ctx, m.Config, "config of "+signatureTag(subject), func(int) {})
	if err != nil {
		return err
	}
	data, err := oci.CanonicalJSON(m)
	if err != nil {
		return err
	}
	return p.manifest(ctx, oci.Describe(data, types.OCIManifestSchema1), data, signatureTag(subject))
}
