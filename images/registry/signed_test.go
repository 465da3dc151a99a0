package registry_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// signer is a key pair of a test.
type signer struct {
	private *trust.PrivateKey
	public  trust.PublicKey
}

func newSigner(t *testing.T, name string) signer {
	t.Helper()
	text, _, err := trust.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := trust.ParsePrivateKey(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	public.Name = name
	return signer{key, public}
}

// signRemote signs the image that a reference of a registry names.
func (s signer) signRemote(t *testing.T, ref oci.Reference, serial uint64) {
	t.Helper()
	o := trust.SignOptions{Key: s.private, Repository: ref.Repository(), Serial: serial}
	if _, err := registry.Attach(t.Context(), ref, o.Signatures, impatient()); err != nil {
		t.Fatal(err)
	}
}

// signedBy is a policy that asks for some of the keys.
func signedBy(need int, of ...signer) trust.Policy {
	q := trust.Quorum{Need: need}
	for _, s := range of {
		q.Of = append(q.Of, s.public)
	}
	return trust.Policy{Name: "test", Default: trust.Rule{Signatures: q}}
}

// signedImage returns a layout with an image that is signed for a repository.
func signedImage(t *testing.T, s signer, repository string) (*oci.Layout, v1.Hash) {
	t.Helper()
	l, h := imagetest.NodeImage(t, 1)
	if err := trust.Sign(l, h, trust.SignOptions{Key: s.private, Repository: repository, Serial: 5}); err != nil {
		t.Fatal(err)
	}
	return l, h
}

// Signatures travel with the image, by tag too; without them nothing of the
// image moves.
func TestPullSigned(t *testing.T) {
	host := startRegistry(t, "")
	a, b := newSigner(t, "a"), newSigner(t, "b")
	from, h := signedImage(t, a, host+"/roots/site")
	pushTo(t, from, h, host+"/roots/site:1")
	ref := imagetest.Reference(t, host+"/roots/site:1")
	l := imagetest.NewLayout(t)
	_, err := registry.Pull(t.Context(), l, ref, signedBy(2, a, b), impatient())
	imagetest.WantError(t, err, "image "+h.String()+" of "+ref.String()+" is not trusted by policy test: it needs a signature of 2 of the keys a, b, and has 1; missing: b")
	if _, err := l.Image(h); err == nil || len(imagetest.Names(t, filepath.Join(l.Dir(), "partial"))) != 0 {
		t.Errorf("an image that is not trusted was brought: %v", err)
	}
	if _, err := registry.Verify(t.Context(), ref, signedBy(2, a, b), impatient()); err == nil {
		t.Error("verified with one signature of two")
	}
	b.signRemote(t, ref, 6)
	if v, err := registry.Verify(t.Context(), ref, signedBy(2, a, b), impatient()); err != nil || v.Serial != 5 || v.Digest != h {
		t.Errorf("verified %+v, %v", v, err)
	}
	got, err := registry.Pull(t.Context(), l, ref, signedBy(2, a, b), impatient())
	if err != nil {
		t.Fatal(err)
	}
	if v := got.Verdict; strings.Join(v.Signed, " ") != "a b" || v.Serial != 5 || v.Repository != host+"/roots/site" {
		t.Errorf("verdict %+v", v)
	}
	imagetest.WantWhole(t, l, h)

	archive := oci.Destination{Format: oci.FormatArchive, Path: filepath.Join(t.TempDir(), "image.tar")}
	if err := l.Export(t.Context(), h, archive, "site"); err != nil {
		t.Fatal(err)
	}
	got, err = registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, archive.String()), signedBy(2, a, b), registry.Options{})
	if err != nil || got.Verdict.Repository != host+"/roots/site" {
		t.Errorf("from an archive: %+v, %v", got.Verdict, err)
	}
}

// An image that was signed for one repository is not taken from another.
func TestPullSignedForAnother(t *testing.T) {
	host := startRegistry(t, "")
	a := newSigner(t, "a")
	from, h := signedImage(t, a, host+"/roots/test")
	pushTo(t, from, h, host+"/roots/site:1")
	ref := imagetest.Reference(t, host+"/roots/site:1")
	_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), ref, signedBy(1, a), impatient())
	imagetest.WantError(t, err, "a signature of key a is for another repository, "+host+"/roots/test")
	p := signedBy(1, a)
	p.Default.Repositories = []string{host + "/roots/test"}
	if _, err := registry.Pull(t.Context(), imagetest.NewLayout(t), ref, p, impatient()); err != nil {
		t.Error(err)
	}
}

// Who can write to the registry decides what lies under the tag of signatures. It is
// refused by its sizes, before any of it is read.
func TestPullManySignatures(t *testing.T) {
	host := startRegistry(t, "")
	a := newSigner(t, "a")
	from, h := signedImage(t, a, host+"/roots/site")
	pushTo(t, from, h, host+"/roots/site:1")
	empty := imagetest.Put(t, from, map[string]any{}, types.OCIEmptyJSON)
	for _, tt := range []struct {
		name   string
		layers int
		size   int64
		want   string
	}{
		{"many large", 1000, 4 << 20, "have at most 33554432 bytes"},
		{"one huge", 1, 1 << 40, "have at most 33554432 bytes"},
		{"very many", 2000, 0, "are at most 1000, and these are 2000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: empty}
			content := make([]byte, min(tt.size, 4<<20))
			blob := oci.Describe(content, "").Digest
			for range tt.layers {
				m.Layers = append(m.Layers, v1.Descriptor{MediaType: oci.SimpleType, Digest: blob, Size: tt.size})
			}
			d := imagetest.Put(t, from, m, types.OCIManifestSchema1)
			p := &proxy{to: host}
			p.spoil = func(w http.ResponseWriter, r *http.Request, _ answer) bool {
				switch {
				case strings.HasSuffix(r.URL.Path, "/manifests/sha256-"+h.Hex+".sig"):
					w.Header().Set("Content-Type", string(d.MediaType))
					http.ServeFile(w, r, from.BlobPath(d.Digest))
				case strings.HasSuffix(r.URL.Path, blob.String()):
					answer{http.StatusOK, nil, content}.send(w)
				default:
					return false
				}
				return true
			}
			ref := imagetest.Reference(t, p.start(t)+"/roots/site:1")
			l := imagetest.NewLayout(t)
			_, err := registry.Pull(t.Context(), l, ref, signedBy(1, a), impatient())
			imagetest.WantError(t, err, tt.want)
			if n := len(p.requests(blob.String())); n > 0 {
				t.Errorf("%d blobs were asked for", n)
			}
			if len(imagetest.Index(t, l.Dir()).Manifests) != 0 {
				t.Error("the index names what was refused")
			}
		})
	}
}
