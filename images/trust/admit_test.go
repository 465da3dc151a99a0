package trust_test

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// copiedTag puts a signature into a layout, beside its image, as a copy of the tag
// that cosign keeps it under: in a manifest that refers to nothing.
func copiedTag(t *testing.T, l *oci.Layout, image v1.Hash, s signer, signed v1.Hash) {
	t.Helper()
	list, err := trust.SignOptions{Key: s.private, Serial: 7}.Signatures(signed)
	if err != nil {
		t.Fatal(err)
	}
	blob := list[0].Blobs[0]
	d := oci.Describe(blob.Data, types.MediaType(blob.MediaType))
	d.Annotations = blob.Annotations
	imagetest.Write(t, l.BlobPath(d.Digest), string(blob.Data))
	config := imagetest.Put(t, l, v1.ConfigFile{}, types.OCIConfigJSON)
	tag := imagetest.Put(t, l, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{d}}, types.OCIManifestSchema1)
	imagetest.Enter(t, l, imagetest.Manifest(t, l, image), tag)
}

// attached says how much is attached to an image.
func attached(t *testing.T, l *oci.Layout, h v1.Hash) int {
	t.Helper()
	list, err := l.Attachments(h, "")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A signature that refers to no image counts for the one that it names, and comes
// along with it.
func TestAdmitCopiedTag(t *testing.T) {
	a, b := newSigner(t, "a"), newSigner(t, "b")
	from, h := imagetest.NodeImage(t, 1)
	copiedTag(t, from, h, a, h)
	s, err := oci.OpenLocal(from.Reference(h))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	to, p := imagetest.NewLayout(t), signedBy(1, a)
	_, err = to.Take(t.Context(), s, func(image v1.Hash, attached []oci.Artifact) ([]oci.Attachment, error) {
		v, more, err := p.Admit(t.Context(), to, s, image, attached)
		if err == nil && v.Serial != 7 {
			t.Errorf("serial %d, want 7", v.Serial)
		}
		return more, err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key        signer
		repository string
		want       bool
	}{{a, "", true}, {a, "example.org/roots/site", false}, {b, "", false}} {
		before := attached(t, to, h)
		if err := trust.SignOnce(t.Context(), to, h, trust.SignOptions{Key: tt.key.private, Repository: tt.repository}); err != nil {
			t.Fatal(err)
		}
		if had := attached(t, to, h) == before; had != tt.want {
			t.Errorf("signed by %s for %q: %v, want %v", tt.key.public.Name, tt.repository, had, tt.want)
		}
	}
}

// Beside an image there may be signatures of others.
func TestJudgeCopiedTagOfAnother(t *testing.T) {
	a := newSigner(t, "a")
	l, h := imagetest.NodeImage(t, 1)
	_, other := imagetest.NodeImage(t, 2)
	copiedTag(t, l, h, a, other)
	_, err := judge(t, l, h, signedBy(1, a))
	imagetest.WantError(t, err, "missing: a")
}
