package oci_test

import (
	"os"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
)

// What is forgotten and removed is gone, and the other image is whole with what is
// attached to it.
func TestForget(t *testing.T) {
	l, kept := imagetest.NodeImage(t, 1)
	note := imagetest.Attach(t, l, kept, imagetest.Note("kept"))
	o := options(writeLayer(t, l, file("own", "x")))
	o.Ref = ""
	gone := writeImage(t, l, o)
	list, err := l.Held()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 {
		t.Fatalf("the index names %d manifests, want 3", len(list))
	}
	var blobs []v1.Hash
	for _, h := range list {
		if h.Manifest == nil || time.Since(h.Since) > time.Hour {
			t.Errorf("%s: manifest %v, of %s", h.Digest, h.Manifest, h.Since)
		}
		if want := h.Digest == kept; (len(h.Names) == 1) != want {
			t.Errorf("%s has the names %q", h.Digest, h.Names)
		}
		blobs = append(blobs, h.Blobs()...)
	}

	// As long as the index names them, blobs stay.
	if err := l.RemoveBlobs(t.Context(), blobs); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Image(gone); err != nil {
		t.Error(err)
	}
	if err := l.Forget(map[v1.Hash]bool{gone: true}); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveBlobs(t.Context(), blobs); err != nil {
		t.Fatal(err)
	}
	imagetest.WantWhole(t, l, kept)
	if !l.Has(note) {
		t.Error("the attachment is gone")
	}
	left, err := l.Blobs()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range left {
		if b.Digest == gone || b.Digest == o.Layers[0].Digest {
			t.Errorf("%s is still there", b.Digest)
		}
	}
}

// A manifest that is gone or damaged is told as such, and one that cannot be read is
// an error: what it names must not go for that.
func TestHeldDamaged(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	if err := os.WriteFile(l.BlobPath(h), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantNone := func() {
		t.Helper()
		list, err := l.Held()
		if err != nil || len(list) != 1 || list[0].Manifest != nil {
			t.Errorf("got %v, %v, want one without a manifest", list, err)
		}
	}
	wantNone()
	if err := os.Remove(l.BlobPath(h)); err != nil {
		t.Fatal(err)
	}
	wantNone()
	if err := os.Mkdir(l.BlobPath(h), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := l.Held()
	imagetest.WantError(t, err, "listing what "+l.Dir()+" holds: ")

	imagetest.Enter(t, l, imagetest.Put(t, l, v1.IndexManifest{SchemaVersion: 2}, types.OCIImageIndex))
	_, err = l.Held()
	imagetest.WantError(t, err, "its index names another one")
}
