package oci_test

import (
	"testing"

	"github.com/rootbuild/rootbuild/images/oci"
)

func TestResolve(t *testing.T) {
	address := startRegistry(t, "")
	l, h := nodeImage(t, 1)
	pushTo(t, l, h, address+"/roots/site:1")
	for _, ref := range []string{address + "/roots/site:1", address + "/roots/site@" + h.String(), "oci:" + l.Dir(), "oci:" + l.Dir() + "@" + h.String()} {
		got, err := oci.Resolve(t.Context(), reference(t, ref), impatient())
		if err != nil || got != h {
			t.Errorf("%s is %s, %v, want %s", ref, got, err, h)
		}
	}
	_, err := oci.Resolve(t.Context(), reference(t, address+"/roots/site:9"), impatient())
	wantError(t, err, "finding the image "+address+"/roots/site:9: ")
}

// Of a type that stands once the later one stays, and what is of another type or
// of another image is left alone.
func TestAttachOnly(t *testing.T) {
	l, h := nodeImage(t, 1)
	other := writeImage(t, l, options(writeLayer(t, l, file("a", "b"))))
	kept := oci.Attachment{Type: "text/x-other", Blobs: note("3").Blobs}
	attach(t, l, h, kept)
	attach(t, l, other, note("1"))
	for _, text := range []string{"1", "2", "2"} {
		if _, err := l.AttachOnly(h, note(text)); err != nil {
			t.Fatal(err)
		}
	}
	wantAttached(t, l.Reference(h), h, note("2"), kept)
	wantAttached(t, l.Reference(other), other, note("1"))
}
