package oci_test

import (
	"archive/tar"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
)

// A layer is read as it was written, and damage is told at its end.
func TestOpenOwnLayer(t *testing.T) {
	l := imagetest.NewLayout(t)
	layer := writeLayer(t, l, file("a", "text"))
	r, err := l.OpenLayer(layer)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if h, err := tar.NewReader(r).Next(); err != nil || h.Name != "a" {
		t.Errorf("got %v, %v, want a", h, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Errorf("reading to the end: %v", err)
	}

	layer.DiffID.Hex = strings.Repeat("0", 64)
	damaged, err := l.OpenLayer(layer)
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	if _, err := io.Copy(io.Discard, damaged); err == nil || !strings.Contains(err.Error(), "its tar has diffID") {
		t.Errorf("got %v, want that the tar is another one", err)
	}
	looked, err := l.OpenUnchecked(layer)
	if err != nil {
		t.Fatal(err)
	}
	defer looked.Close()
	if h, err := tar.NewReader(looked).Next(); err != nil || h.Name != "a" {
		t.Errorf("unchecked: got %v, %v, want a", h, err)
	}
	if err := os.Remove(l.BlobPath(layer.Digest)); err != nil {
		t.Fatal(err)
	}
	_, err = l.OpenUnchecked(layer)
	if _, checked := l.OpenLayer(layer); err == nil || checked == nil {
		t.Error("opened a layer that is not there")
	}
}
