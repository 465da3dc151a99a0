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

// looseTag is where cosign keeps what is signed in the older form in a registry: the
// layers of a manifest under a tag made of the digest.
type looseTag struct {
	suffix, artifact string // the end of the tag, and the type of such attachments
	is               func(v1.Descriptor) bool
}

var (
	signatureTag = looseTag{".sig", oci.SimpleArtifact, oci.IsSimple}
	statementTag = looseTag{".att", oci.EnvelopeArtifact, oci.IsEnvelope}
)

func (t looseTag) of(subject v1.Hash) string { return referrersTag(subject) + t.suffix }

// Loose returns the signatures under their tag, of all places: see Referrers.
func (s source) Loose(ctx context.Context, subject v1.Hash, _ func([]byte) (v1.Hash, error)) ([]oci.Attachment, error) {
	var all []oci.Attachment
	var errs []error
	for _, r := range s.places {
		m, err := r.loose(ctx, signatureTag.of(subject))
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

// loose returns the manifest under a tag, without layers where there is none.
func (r *repository) loose(ctx context.Context, tag string) (*v1.Manifest, error) {
	data, _, err := r.manifest(ctx, tag)
	if lacking(err) {
		return &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading tag %s: %w", tag, err)
	}
	return m, nil
}

// loose adds what is of the older form to its tag, beside what others put there.
func (p pusher) loose(ctx context.Context, subject v1.Hash, list []oci.Artifact) error {
	for _, t := range []looseTag{signatureTag, statementTag} {
		var add []v1.Descriptor
		for _, a := range list {
			if a.Desc.ArtifactType == t.artifact {
				add = append(add, slices.DeleteFunc(slices.Clone(a.Manifest.Layers), func(d v1.Descriptor) bool { return !t.is(d) })...)
			}
		}
		if len(add) == 0 {
			continue
		}
		tag := t.of(subject)
		err := p.retry(ctx, "signatures "+tag, func(ctx context.Context, _ func(int)) error { return p.addLoose(ctx, tag, add) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (p pusher) addLoose(ctx context.Context, tag string, add []v1.Descriptor) error {
	for range listTries {
		m, err := p.to.loose(ctx, tag)
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
		if err := p.putLoose(ctx, tag, m); err != nil {
			return err
		}
	}
	return fmt.Errorf("others change it at the same time; gave up after %d tries: push again", listTries)
}

// putLoose gives the manifest a config that names the layers: cosign reads it before it
// adds one.
func (p pusher) putLoose(ctx context.Context, tag string, m *v1.Manifest) error {
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
	err = pusher{open, p.to}.blob(ctx, m.Config, "config of "+tag, func(int) {})
	if err != nil {
		return err
	}
	data, err := oci.CanonicalJSON(m)
	if err != nil {
		return err
	}
	return p.manifest(ctx, oci.Describe(data, types.OCIManifestSchema1), data, tag)
}
