package oci_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/oci/ocitest"
)

// wantAttached fails unless just these are attached to an image.
func wantAttached(t testing.TB, at oci.Reference, h v1.Hash, want ...oci.Attachment) {
	t.Helper()
	s, err := oci.OpenLocal(at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := oci.Load(t.Context(), s, h, oci.OfType(""))
	if err != nil {
		t.Fatal(err)
	}
	ocitest.WantAttachments(t, got, want...)
}

// What is attached comes back, each once; the image stays the only one.
func TestAttach(t *testing.T) {
	l, h := ocitest.NodeImage(t, 1)
	first := ocitest.Attach(t, l, h, ocitest.Note("1"))
	index := ocitest.Index(t, l.Dir())
	if again := ocitest.Attach(t, l, h, ocitest.Note("1")); again != first {
		t.Errorf("attached again as %s, before %s", again, first)
	}
	if diff := cmp.Diff(index, ocitest.Index(t, l.Dir())); diff != "" {
		t.Errorf("the index changed:\n%s", diff)
	}
	other := oci.Attachment{Type: "text/x-other", Blobs: []oci.AttachedBlob{{MediaType: "text/plain", Data: []byte("3")}}}
	ocitest.Attach(t, l, h, ocitest.Note("2"))
	ocitest.Attach(t, l, h, other)
	wantAttached(t, l.Reference(h), h, ocitest.Note("1"), ocitest.Note("2"), other)
	got, err := l.Attachments(h, "text/x-other")
	if err != nil || len(got) != 1 || got[0].Type != "text/x-other" {
		t.Errorf("of one type: %+v, %v", got, err)
	}
	if _, err := take(t, ocitest.NewLayout(t), ocitest.Reference(t, "oci:"+l.Dir())); err != nil {
		t.Errorf("the only image is not found beside artifacts: %v", err)
	}
	_, err = take(t, ocitest.NewLayout(t), ocitest.Reference(t, "oci:"+l.Dir()+"@"+first.String()))
	ocitest.WantError(t, err, "it is an artifact")
}

// The bytes of an attachment's manifest are a function of what it says.
func TestAttachBytes(t *testing.T) {
	l := ocitest.NewLayout(t)
	o := options(writeLayer(t, l, file("a", "b")))
	got := ocitest.Attach(t, l, writeImage(t, l, o), ocitest.Note("1"))
	if want := "ce4d424c12fffc099d17bc1a987ce70d0c91b32699bc40564802a868b7d54518"; got.Hex != want {
		t.Errorf("the attachment is %s, want %s", got.Hex, want)
	}
}

func TestAttachRefuses(t *testing.T) {
	l, h := ocitest.NodeImage(t, 1)
	absent := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	blob := []oci.AttachedBlob{{MediaType: "text/plain", Data: make([]byte, 32<<20+1)}}
	for _, tt := range []struct {
		subject v1.Hash
		a       oci.Attachment
		err     string
	}{
		{absent, ocitest.Note("1"), "attaching " + ocitest.NoteType + " to image " + absent.String() + " in " + l.Dir() + ": the image is not there"},
		{h, oci.Attachment{Blobs: ocitest.Note("1").Blobs}, "no type"},
		{h, oci.Attachment{Type: ocitest.NoteType}, "no blob"},
		{h, oci.Attachment{Type: ocitest.NoteType, Blobs: blob}, "more than 33554432"},
	} {
		_, err := l.Attach(tt.subject, tt.a)
		ocitest.WantError(t, err, tt.err)
	}
	wantAttached(t, l.Reference(h), h)
}

// Exports carry what is attached, and pulls of them bring it.
func TestAttachmentsTravelInLayouts(t *testing.T) {
	from, h := ocitest.NodeImage(t, 1)
	ocitest.Attach(t, from, h, ocitest.Note("1"))
	for _, format := range []oci.Format{oci.FormatLayout, oci.FormatArchive} {
		d := oci.Destination{Format: format, Path: filepath.Join(t.TempDir(), "image")}
		export(t, from, h, d, "site")
		wantAttached(t, ocitest.Reference(t, d.String()), h, ocitest.Note("1"))
		l := ocitest.NewLayout(t)
		if _, err := take(t, l, ocitest.Reference(t, d.String())); err != nil {
			t.Fatal(err)
		}
		wantAttached(t, l.Reference(h), h, ocitest.Note("1"))
	}
}

// Of a type that stands once the later one stays, and what is of another type or
// of another image is left alone.
func TestAttachOnly(t *testing.T) {
	l, h := ocitest.NodeImage(t, 1)
	other := writeImage(t, l, options(writeLayer(t, l, file("a", "b"))))
	kept := oci.Attachment{Type: "text/x-other", Blobs: ocitest.Note("3").Blobs}
	ocitest.Attach(t, l, h, kept)
	ocitest.Attach(t, l, other, ocitest.Note("1"))
	for _, text := range []string{"1", "2", "2"} {
		if _, err := l.AttachOnly(h, ocitest.Note(text)); err != nil {
			t.Fatal(err)
		}
	}
	wantAttached(t, l.Reference(h), h, ocitest.Note("2"), kept)
	wantAttached(t, l.Reference(other), other, ocitest.Note("1"))
}
