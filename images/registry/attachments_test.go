package registry_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// wantAttached fails unless just these are attached to an image.
func wantAttached(t testing.TB, at oci.Reference, h v1.Hash, want ...oci.Attachment) {
	t.Helper()
	got, err := registry.Attachments(t.Context(), at, h, "", impatient())
	if err != nil {
		t.Fatal(err)
	}
	imagetest.WantAttachments(t, got, want...)
}

// Through a registry that lists nothing itself, Debian's; what others listed
// stays listed.
func TestAttachmentsTravelByRegistry(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	imagetest.Attach(t, from, h, imagetest.Note("1"))
	pushTo(t, from, h, host+"/roots/site:1")
	other, _ := imagetest.NodeImage(t, 1)
	imagetest.Attach(t, other, h, imagetest.Note("2"))
	pushTo(t, other, h, host+"/roots/site:1")
	pushTo(t, from, h, host+"/roots/site:1")
	ref := imagetest.Reference(t, host+"/roots/site:1")
	wantAttached(t, ref, h, imagetest.Note("1"), imagetest.Note("2"))
	l := imagetest.NewLayout(t)
	for range 2 {
		if _, err := registry.Pull(t.Context(), l, ref, trust.Unverified, impatient()); err != nil {
			t.Fatal(err)
		}
	}
	wantAttached(t, l.Reference(h), h, imagetest.Note("1"), imagetest.Note("2"))
	imagetest.WantNothingWrong(t, l)
}

// lister answers, before a registry that cannot, what refers to an image: in
// pages of one.
type lister struct{ found []v1.Descriptor }

func (l *lister) answer(w http.ResponseWriter, r *http.Request, _ answer) bool {
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256:") {
		w.Header().Set("OCI-Subject", "sha256:0")
		return false
	}
	if !strings.Contains(r.URL.Path, "/referrers/") {
		return false
	}
	page := len(r.URL.Query().Get("page"))
	if page+1 < len(l.found) {
		w.Header().Set("Link", "<"+r.URL.Path+"?page="+strings.Repeat("x", page+1)+`>; rel="next"`)
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	if page < len(l.found) {
		index.Manifests = l.found[page : page+1]
	}
	w.Header().Set("Content-Type", string(types.OCIImageIndex))
	_ = json.NewEncoder(w).Encode(index)
	return true
}

// A registry that lists them itself is asked, page by page, and gets no tag.
func TestAttachmentsListedByRegistry(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	var list lister
	for _, text := range []string{"1", "2", "3"} {
		d := imagetest.Attach(t, from, h, imagetest.Note(text))
		listed := imagetest.Manifest(t, from, d)
		listed.ArtifactType = imagetest.NoteType
		list.found = append(list.found, listed)
	}
	p := &proxy{to: startRegistry(t, ""), spoil: list.answer}
	address := p.start(t)
	pushTo(t, from, h, address+"/roots/site:1")
	if tags := p.requests("manifests/sha256-"); len(tags) != 0 {
		t.Errorf("the list by tag was used: %q", tags)
	}
	wantAttached(t, imagetest.Reference(t, address+"/roots/site:1"), h, imagetest.Note("1"), imagetest.Note("2"), imagetest.Note("3"))
}

// A registry of another kind, which lists them itself.
func TestAttachmentsByReferrersAPI(t *testing.T) {
	server := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo))))
	t.Cleanup(server.Close)
	ref := imagetest.Reference(t, strings.TrimPrefix(server.URL, "http://")+"/roots/site:1")
	from, h := imagetest.NodeImage(t, 1)
	imagetest.Attach(t, from, h, imagetest.Note("1"))
	pushTo(t, from, h, ref.String())
	a := newSigner(t, "a")
	a.signRemote(t, ref, 3)
	l := imagetest.NewLayout(t)
	got, err := registry.Pull(t.Context(), l, ref, signedBy(1, a), impatient())
	if err != nil || got.Verdict.Serial != 3 {
		t.Fatalf("verdict %+v, %v", got.Verdict, err)
	}
	list, err := l.Attachments(h, imagetest.NoteType)
	if err != nil || len(list) != 1 {
		t.Errorf("%d notes, %v, want 1", len(list), err)
	}
}

// A list that gives no true type for what it names, as cosign writes it, hides
// nothing.
func TestAttachmentsWithoutTypes(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	d := imagetest.Attach(t, from, h, imagetest.Note("1"))
	listed := imagetest.Manifest(t, from, d)
	listed.ArtifactType = string(types.OCIEmptyJSON)
	list := lister{[]v1.Descriptor{listed}}
	p := &proxy{to: startRegistry(t, ""), spoil: list.answer}
	address := p.start(t)
	pushTo(t, from, h, address+"/roots/site:1")
	got, err := registry.Attachments(t.Context(), imagetest.Reference(t, address+"/roots/site:1"), h, imagetest.NoteType, impatient())
	if err != nil || len(got) != 1 {
		t.Errorf("%d attachments, %v, want 1", len(got), err)
	}
}

// What another attached is not believed to be attached, nor to be small.
func TestAttachmentsHostile(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	_, otherH := imagetest.NodeImage(t, 2)
	subject := func(h v1.Hash) *v1.Descriptor {
		return &v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: h, Size: 1}
	}
	empty := imagetest.Put(t, from, map[string]any{}, types.OCIEmptyJSON)
	large := imagetest.Put(t, from, "large", types.OCIEmptyJSON)
	large.Size = 1 << 40
	for _, tt := range []struct {
		name string
		m    v1.Manifest
		err  string
	}{
		{"of another image", v1.Manifest{SchemaVersion: 2, Config: empty, Subject: subject(otherH)}, "does not refer to the image"},
		{"of none", v1.Manifest{SchemaVersion: 2, Config: empty}, "does not refer to the image"},
		{"large", v1.Manifest{SchemaVersion: 2, Config: empty, Layers: []v1.Descriptor{large}, Subject: subject(h)}, "more than 33554432 bytes"},
		{"two sizes", v1.Manifest{SchemaVersion: 2, Config: empty, Layers: []v1.Descriptor{{Digest: empty.Digest, Size: 3}}, Subject: subject(h)}, "has 2 bytes, and 3"},
		{"other schema", v1.Manifest{SchemaVersion: 1, Config: empty, Subject: subject(h)}, "schema version 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.m.ArtifactType = imagetest.NoteType
			d := imagetest.Put(t, from, tt.m, types.OCIManifestSchema1)
			list := lister{[]v1.Descriptor{d}}
			p := &proxy{to: host}
			p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
				if strings.HasSuffix(r.URL.Path, "/manifests/"+d.Digest.String()) {
					w.Header().Set("Content-Type", string(d.MediaType))
					http.ServeFile(w, r, from.BlobPath(d.Digest))
					return true
				}
				return list.answer(w, r, a)
			}
			address := p.start(t)
			l := imagetest.NewLayout(t)
			_, err := registry.Pull(t.Context(), l, imagetest.Reference(t, address+"/roots/site:1"), trust.Unverified, impatient())
			imagetest.WantError(t, err, "reading attachment "+d.Digest.String()+": ")
			imagetest.WantError(t, err, tt.err)
			if len(imagetest.Index(t, l.Dir()).Manifests) != 0 {
				t.Error("the index names the image")
			}
		})
	}
}
