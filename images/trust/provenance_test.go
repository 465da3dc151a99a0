package trust_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// statement is what a build says of an image.
func statement(t testing.TB, h v1.Hash) []byte {
	t.Helper()
	asked, err := structpb.NewStruct(map[string]any{"target": "site"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := trust.EncodeProvenance(h, &provenance.Provenance{
		BuildDefinition: &provenance.BuildDefinition{BuildType: "https://example.org/build", ExternalParameters: asked},
		RunDetails:      &provenance.RunDetails{Builder: &provenance.Builder{Id: "https://example.org/builder"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// built signs how an image was built, and not that it is meant to be used.
func (s signer) built(t testing.TB, h v1.Hash, repository string) []oci.Attachment {
	t.Helper()
	o := trust.SignOptions{Key: s.private, Repository: repository, Serial: 1000, Provenance: func(v1.Hash) ([]byte, error) { return statement(t, h), nil }}
	list, err := o.Signatures(h)
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(a oci.Attachment) bool { return !isBuilt(a) })
	if len(list) != 2 {
		t.Fatalf("%d statements, want one in both forms", len(list))
	}
	return list
}

// isBuilt goes by what lists are told of an attachment.
func isBuilt(a oci.Attachment) bool {
	return a.Annotations["dev.sigstore.bundle.predicateType"] == trust.ProvenancePredicate || a.Blobs[0].Annotations["predicateType"] == trust.ProvenancePredicate
}

func attachAll(t testing.TB, l *oci.Layout, h v1.Hash, list []oci.Attachment) {
	t.Helper()
	for _, a := range list {
		imagetest.Attach(t, l, h, a)
	}
}

// Who says how an image was built says neither that it is meant to be used nor that it
// was built again, however the statement is labelled.
func TestProvenanceIsNoSignature(t *testing.T) {
	a := newSigner(t, "a")
	l, h := imagetest.NodeImage(t, 1)
	list := a.built(t, h, "")
	attachAll(t, l, h, list)
	// The types of bundles and of signatures, in all that nobody signed.
	for _, label := range []string{"https://sigstore.dev/cosign/sign/v1", trust.RebuiltPredicate} {
		relabelled := list[0]
		relabelled.Annotations = map[string]string{"dev.sigstore.bundle.predicateType": label}
		imagetest.Attach(t, l, h, relabelled)
	}
	sealed := list[1].Blobs[0]
	var envelope struct{ Signatures []struct{ Sig string } }
	if err := json.Unmarshal(sealed.Data, &envelope); err != nil || len(envelope.Signatures) != 1 {
		t.Fatalf("%s: %v", sealed.Data, err)
	}
	imagetest.Attach(t, l, h, oci.NewSimple(sealed.Data, envelope.Signatures[0].Sig))
	imagetest.Attach(t, l, h, oci.Attachment{Type: oci.SimpleArtifact, Blobs: []oci.AttachedBlob{sealed}})

	_, err := judge(t, l, h, signedBy(1, a))
	imagetest.WantError(t, err, "it needs a signature of 1 of the keys a, and has 0; missing: a")
	_, err = judge(t, l, h, trust.Policy{Default: trust.Rule{Rebuilt: quorum(1, a)}})
	imagetest.WantError(t, err, "it needs a statement of a rebuild of 1 of the keys a, and has 0; missing: a")
}

// A verdict tells who says how the image was built, of the keys that the rule names, and
// is not moved by it.
func TestVerdictProvenance(t *testing.T) {
	a, b := newSigner(t, "a"), newSigner(t, "b")
	late := b
	late.public.Expires = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	_, other := imagetest.NodeImage(t, 2)
	for _, tt := range []struct {
		name   string
		attach func(t *testing.T, l *oci.Layout, h v1.Hash)
		rule   trust.Rule
		want   []string
	}{
		{"none", func(*testing.T, *oci.Layout, v1.Hash) {}, trust.Rule{}, nil},
		{"signature and rebuild", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.rebuilt(t, l, h) }, trust.Rule{}, nil},
		{"of the key", func(t *testing.T, l *oci.Layout, h v1.Hash) { attachAll(t, l, h, a.built(t, h, "")) }, trust.Rule{}, []string{"a"}},
		{"of a key for rebuilds", func(t *testing.T, l *oci.Layout, h v1.Hash) {
			b.rebuilt(t, l, h)
			attachAll(t, l, h, b.built(t, h, ""))
		}, trust.Rule{Rebuilt: quorum(1, b)}, []string{"b"}},
		{"of another key", func(t *testing.T, l *oci.Layout, h v1.Hash) { attachAll(t, l, h, b.built(t, h, "")) }, trust.Rule{}, nil},
		{"of an expired key", func(t *testing.T, l *oci.Layout, h v1.Hash) { attachAll(t, l, h, b.built(t, h, "")) },
			trust.Rule{Signatures: quorum(1, a, late)}, nil},
		{"of another image", func(t *testing.T, l *oci.Layout, h v1.Hash) { attachAll(t, l, h, a.built(t, other, "")) }, trust.Rule{}, nil},
		{"for another repository", func(t *testing.T, l *oci.Layout, h v1.Hash) { attachAll(t, l, h, a.built(t, h, "example.org/test")) },
			trust.Rule{Repositories: []string{"example.org/roots"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, h := imagetest.NodeImage(t, 1)
			a.sign(t, l, h, 7)
			tt.attach(t, l, h)
			if tt.rule.Signatures.Need == 0 {
				tt.rule.Signatures = quorum(1, a)
			}
			v, err := judge(t, l, h, trust.Policy{Default: tt.rule})
			if err != nil || !slices.Equal(v.Provenance, tt.want) || v.Serial != 7 || v.Repository != "" {
				t.Errorf("provenance of %q, serial %d, repository %q, %v; want %q, 7", v.Provenance, v.Serial, v.Repository, err, tt.want)
			}
		})
	}
}

// A key signs as provenance nothing but that, of the image at hand.
func TestSignProvenanceOfOther(t *testing.T) {
	a := newSigner(t, "a")
	_, h := imagetest.NodeImage(t, 1)
	_, other := imagetest.NodeImage(t, 2)
	rebuilt := strings.ReplaceAll(string(statement(t, h)), trust.ProvenancePredicate, trust.RebuiltPredicate)
	for name, tt := range map[string]struct{ text, err string }{
		"another image": {string(statement(t, other)), "it is of another image, " + other.String()},
		"a rebuild":     {rebuilt, `it says something else: "` + trust.RebuiltPredicate + `"`},
		"no statement":  {"{}", "want one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := trust.SignOptions{Key: a.private, Provenance: func(v1.Hash) ([]byte, error) { return []byte(tt.text), nil }}.Signatures(h)
			imagetest.WantError(t, err, "reading its provenance: ")
			imagetest.WantError(t, err, tt.err)
		})
	}
}

// What the key said before it does not say again, and what is new it does.
func TestSignOnce(t *testing.T) {
	a := newSigner(t, "a")
	l, h := imagetest.NodeImage(t, 1)
	o := trust.SignOptions{Key: a.private, Serial: 1}
	want := []int{2, 2, 4, 4, 8}
	for i, change := range []func(){
		func() {}, func() {},
		func() { o.Provenance = func(v1.Hash) ([]byte, error) { return statement(t, h), nil } },
		func() {},
		func() { o.Repository = "example.org/roots" },
	} {
		change()
		if err := trust.SignOnce(t.Context(), l, h, o); err != nil {
			t.Fatal(err)
		}
		if got := attached(t, l, h); got != want[i] {
			t.Errorf("%d: %d attachments, want %d", i, got, want[i])
		}
	}
}
