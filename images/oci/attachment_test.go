package oci_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
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
	imagetest.WantAttachments(t, got, want...)
}

// What is attached comes back, each once; the image stays the only one.
func TestAttach(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	first := imagetest.Attach(t, l, h, imagetest.Note("1"))
	index := imagetest.Index(t, l.Dir())
	if again := imagetest.Attach(t, l, h, imagetest.Note("1")); again != first {
		t.Errorf("attached again as %s, before %s", again, first)
	}
	if diff := cmp.Diff(index, imagetest.Index(t, l.Dir())); diff != "" {
		t.Errorf("the index changed:\n%s", diff)
	}
	other := oci.Attachment{Type: "text/x-other", Blobs: []oci.AttachedBlob{{MediaType: "text/plain", Data: []byte("3")}}}
	imagetest.Attach(t, l, h, imagetest.Note("2"))
	imagetest.Attach(t, l, h, other)
	wantAttached(t, l.Reference(h), h, imagetest.Note("1"), imagetest.Note("2"), other)
	got, err := l.Attachments(h, "text/x-other")
	if err != nil || len(got) != 1 || got[0].Type != "text/x-other" {
		t.Errorf("of one type: %+v, %v", got, err)
	}
	if _, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, "oci:"+l.Dir())); err != nil {
		t.Errorf("the only image is not found beside artifacts: %v", err)
	}
	_, err = take(t, imagetest.NewLayout(t), imagetest.Reference(t, "oci:"+l.Dir()+"@"+first.String()))
	imagetest.WantError(t, err, "it is an artifact")
}

// The bytes of an attachment's manifest are a function of what it says.
func TestAttachBytes(t *testing.T) {
	l := imagetest.NewLayout(t)
	o := options(writeLayer(t, l, file("a", "b")))
	got := imagetest.Attach(t, l, writeImage(t, l, o), imagetest.Note("1"))
	if want := "ce4d424c12fffc099d17bc1a987ce70d0c91b32699bc40564802a868b7d54518"; got.Hex != want {
		t.Errorf("the attachment is %s, want %s", got.Hex, want)
	}
}

func TestAttachRefuses(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	absent := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	blob := []oci.AttachedBlob{{MediaType: "text/plain", Data: make([]byte, 32<<20+1)}}
	for _, tt := range []struct {
		subject v1.Hash
		a       oci.Attachment
		err     string
	}{
		{absent, imagetest.Note("1"), "attaching " + imagetest.NoteType + " to image " + absent.String() + " in " + l.Dir() + ": the image is not there"},
		{h, oci.Attachment{Blobs: imagetest.Note("1").Blobs}, "no type"},
		{h, oci.Attachment{Type: imagetest.NoteType}, "no blob"},
		{h, oci.Attachment{Type: imagetest.NoteType, Blobs: blob}, "more than 33554432"},
	} {
		_, err := l.Attach(tt.subject, tt.a)
		imagetest.WantError(t, err, tt.err)
	}
	wantAttached(t, l.Reference(h), h)
}

// Exports carry what is attached, and pulls of them bring it.
func TestAttachmentsTravelInLayouts(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	imagetest.Attach(t, from, h, imagetest.Note("1"))
	for _, format := range []oci.Format{oci.FormatLayout, oci.FormatArchive} {
		d := oci.Destination{Format: format, Path: filepath.Join(t.TempDir(), "image")}
		export(t, from, h, d, "site")
		wantAttached(t, imagetest.Reference(t, d.String()), h, imagetest.Note("1"))
		l := imagetest.NewLayout(t)
		if _, err := take(t, l, imagetest.Reference(t, d.String())); err != nil {
			t.Fatal(err)
		}
		wantAttached(t, l.Reference(h), h, imagetest.Note("1"))
	}
}

// Of a type that stands once the later one stays, and what is of another type or
// of another image is left alone.
func TestAttachOnly(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	other := writeImage(t, l, options(writeLayer(t, l, file("a", "b"))))
	kept := oci.Attachment{Type: "text/x-other", Blobs: imagetest.Note("3").Blobs}
	imagetest.Attach(t, l, h, kept)
	imagetest.Attach(t, l, other, imagetest.Note("1"))
	for _, text := range []string{"1", "2", "2"} {
		if _, err := l.AttachOnly(h, imagetest.Note(text)); err != nil {
			t.Fatal(err)
		}
	}
	wantAttached(t, l.Reference(h), h, imagetest.Note("2"), kept)
	wantAttached(t, l.Reference(other), other, imagetest.Note("1"))
}
