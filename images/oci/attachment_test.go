package oci_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

const noteType = "application/vnd.rootbuild.note.v1+json"

func note(text string) oci.Attachment {
	return oci.Attachment{
		Type:        noteType,
		Annotations: map[string]string{"org.opencontainers.image.description": "a note"},
		Blobs: []oci.AttachedBlob{
			{MediaType: "application/json", Title: "note.json", Data: []byte(text)},
			{MediaType: "text/plain", Annotations: map[string]string{"org.example.lang": "en"}, Data: []byte("also")},
		},
	}
}

func attach(t testing.TB, l *oci.Layout, h v1.Hash, a oci.Attachment) v1.Hash {
	t.Helper()
	got, err := l.Attach(h, a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantAttached fails unless just these are attached to an image.
func wantAttached(t testing.TB, at oci.Reference, h v1.Hash, want ...oci.Attachment) {
	t.Helper()
	got, err := oci.Attachments(t.Context(), at, h, "", impatient())
	if err != nil {
		t.Fatal(err)
	}
	byData := func(a oci.Attachment) string { return string(a.Blobs[0].Data) }
	have := map[string]oci.Attachment{}
	for _, a := range got {
		have[byData(a)] = a
	}
	wanted := map[string]oci.Attachment{}
	for _, a := range want {
		wanted[byData(a)] = a
	}
	if diff := cmp.Diff(wanted, have); diff != "" || len(got) != len(want) {
		t.Errorf("%d attachments at %s, want %d (-want +got):\n%s", len(got), at, len(want), diff)
	}
}

// What is attached comes back, each once; the image stays the only one.
func TestAttach(t *testing.T) {
	l, h := nodeImage(t, 1)
	first := attach(t, l, h, note("1"))
	index := readIndex(t, l.Dir())
	if again := attach(t, l, h, note("1")); again != first {
		t.Errorf("attached again as %s, before %s", again, first)
	}
	if diff := cmp.Diff(index, readIndex(t, l.Dir())); diff != "" {
		t.Errorf("the index changed:\n%s", diff)
	}
	other := oci.Attachment{Type: "text/x-other", Blobs: []oci.AttachedBlob{{MediaType: "text/plain", Data: []byte("3")}}}
	attach(t, l, h, note("2"))
	attach(t, l, h, other)
	wantAttached(t, l.Reference(h), h, note("1"), note("2"), other)
	got, err := l.Attachments(h, "text/x-other")
	if err != nil || len(got) != 1 || got[0].Type != "text/x-other" {
		t.Errorf("of one type: %+v, %v", got, err)
	}
	if _, err := newLayout(t).Pull(t.Context(), reference(t, "oci:"+l.Dir()), oci.Unverified, oci.RegistryOptions{}); err != nil {
		t.Errorf("the only image is not found beside artifacts: %v", err)
	}
	_, err = newLayout(t).Pull(t.Context(), reference(t, "oci:"+l.Dir()+"@"+first.String()), oci.Unverified, oci.RegistryOptions{})
	wantError(t, err, "it is an artifact")
}

// The bytes of an attachment's manifest are a function of what it says.
func TestAttachBytes(t *testing.T) {
	l := newLayout(t)
	o := options(writeLayer(t, l, file("a", "b")))
	got := attach(t, l, writeImage(t, l, o), note("1"))
	if want := "ce4d424c12fffc099d17bc1a987ce70d0c91b32699bc40564802a868b7d54518"; got.Hex != want {
		t.Errorf("the attachment is %s, want %s", got.Hex, want)
	}
}

func TestAttachRefuses(t *testing.T) {
	l, h := nodeImage(t, 1)
	absent := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	blob := []oci.AttachedBlob{{MediaType: "text/plain", Data: make([]byte, 32<<20+1)}}
	for _, tt := range []struct {
		subject v1.Hash
		a       oci.Attachment
		err     string
	}{
		{absent, note("1"), "attaching " + noteType + " to image " + absent.String() + " in " + l.Dir() + ": the image is not there"},
		{h, oci.Attachment{Blobs: note("1").Blobs}, "no type"},
		{h, oci.Attachment{Type: noteType}, "no blob"},
		{h, oci.Attachment{Type: noteType, Blobs: blob}, "more than 33554432"},
	} {
		_, err := l.Attach(tt.subject, tt.a)
		wantError(t, err, tt.err)
	}
	wantAttached(t, l.Reference(h), h)
}

// Exports carry what is attached, and pulls of them bring it.
func TestAttachmentsTravelInLayouts(t *testing.T) {
	from, h := nodeImage(t, 1)
	attach(t, from, h, note("1"))
	for _, format := range []oci.Format{oci.FormatLayout, oci.FormatArchive} {
		d := oci.Destination{Format: format, Path: filepath.Join(t.TempDir(), "image")}
		export(t, from, h, d, "site")
		wantAttached(t, reference(t, d.String()), h, note("1"))
		l := newLayout(t)
		if _, err := l.Pull(t.Context(), reference(t, d.String()), oci.Unverified, oci.RegistryOptions{}); err != nil {
			t.Fatal(err)
		}
		wantAttached(t, l.Reference(h), h, note("1"))
	}
}

// Through a registry that lists nothing itself, Debian's; what others listed
// stays listed.
func TestAttachmentsTravelByRegistry(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	attach(t, from, h, note("1"))
	pushTo(t, from, h, registry+"/roots/site:1")
	other, _ := nodeImage(t, 1)
	attach(t, other, h, note("2"))
	pushTo(t, other, h, registry+"/roots/site:1")
	pushTo(t, from, h, registry+"/roots/site:1")
	ref := reference(t, registry+"/roots/site:1")
	wantAttached(t, ref, h, note("1"), note("2"))
	l := newLayout(t)
	for range 2 {
		if _, err := l.Pull(t.Context(), ref, oci.Unverified, impatient()); err != nil {
			t.Fatal(err)
		}
	}
	wantAttached(t, l.Reference(h), h, note("1"), note("2"))
	wantNothingWrong(t, l)
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
	from, h := nodeImage(t, 1)
	var list lister
	for _, text := range []string{"1", "2", "3"} {
		d := attach(t, from, h, note(text))
		info := stat(t, from.BlobPath(d))[0]
		list.found = append(list.found, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: d, Size: info.Size(), ArtifactType: noteType})
	}
	p := &proxy{to: startRegistry(t, ""), spoil: list.answer}
	address := p.start(t)
	pushTo(t, from, h, address+"/roots/site:1")
	if tags := p.requests("manifests/sha256-"); len(tags) != 0 {
		t.Errorf("the list by tag was used: %q", tags)
	}
	wantAttached(t, reference(t, address+"/roots/site:1"), h, note("1"), note("2"), note("3"))
}

// A registry of another kind, which lists them itself.
func TestAttachmentsByReferrersAPI(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo))))
	t.Cleanup(server.Close)
	ref := reference(t, strings.TrimPrefix(server.URL, "http://")+"/roots/site:1")
	from, h := nodeImage(t, 1)
	attach(t, from, h, note("1"))
	pushTo(t, from, h, ref.String())
	a := newSigner(t, "a")
	if _, err := oci.SignRemote(t.Context(), ref, oci.SignOptions{Key: a.private, Serial: 3}, impatient()); err != nil {
		t.Fatal(err)
	}
	l := newLayout(t)
	got, err := l.Pull(t.Context(), ref, signedBy(1, a), impatient())
	if err != nil || got.Verdict.Serial != 3 {
		t.Fatalf("verdict %+v, %v", got.Verdict, err)
	}
	list, err := l.Attachments(h, noteType)
	if err != nil || len(list) != 1 {
		t.Errorf("%d notes, %v, want 1", len(list), err)
	}
}

// A list that gives no true type for what it names, as cosign writes it, hides
// nothing.
func TestAttachmentsWithoutTypes(t *testing.T) {
	from, h := nodeImage(t, 1)
	d := attach(t, from, h, note("1"))
	size := stat(t, from.BlobPath(d))[0].Size()
	list := lister{[]v1.Descriptor{{MediaType: types.OCIManifestSchema1, Digest: d, Size: size, ArtifactType: string(types.OCIEmptyJSON)}}}
	p := &proxy{to: startRegistry(t, ""), spoil: list.answer}
	address := p.start(t)
	pushTo(t, from, h, address+"/roots/site:1")
	got, err := oci.Attachments(t.Context(), reference(t, address+"/roots/site:1"), h, noteType, impatient())
	if err != nil || len(got) != 1 {
		t.Errorf("%d attachments, %v, want 1", len(got), err)
	}
}

// What another attached is not believed to be attached, nor to be small.
func TestAttachmentsHostile(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	pushTo(t, from, h, registry+"/roots/site:1")
	_, otherH := nodeImage(t, 2)
	subject := func(h v1.Hash) *v1.Descriptor {
		return &v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: h, Size: 1}
	}
	empty := put(t, from, map[string]any{}, types.OCIEmptyJSON)
	large := put(t, from, "large", types.OCIEmptyJSON)
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
			tt.m.ArtifactType = noteType
			d := put(t, from, tt.m, types.OCIManifestSchema1)
			list := lister{[]v1.Descriptor{d}}
			p := &proxy{to: registry}
			p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
				if strings.HasSuffix(r.URL.Path, "/manifests/"+d.Digest.String()) {
					w.Header().Set("Content-Type", string(d.MediaType))
					http.ServeFile(w, r, from.BlobPath(d.Digest))
					return true
				}
				return list.answer(w, r, a)
			}
			address := p.start(t)
			l := newLayout(t)
			_, err := l.Pull(t.Context(), reference(t, address+"/roots/site:1"), oci.Unverified, impatient())
			wantError(t, err, "reading attachment "+d.Digest.String()+": ")
			wantError(t, err, tt.err)
			if len(readIndex(t, l.Dir()).Manifests) != 0 {
				t.Error("the index names the image")
			}
		})
	}
}
