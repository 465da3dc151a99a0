package oci_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// A layer whose bytes are wrong is an error at its end at the latest, whatever
// is wrong with them.
func TestOpenLayerDamaged(t *testing.T) {
	tests := []struct {
		name   string
		damage func(o *oci.ImageOptions, blob []byte) []byte
		want   string
	}{
		{"none", func(_ *oci.ImageOptions, b []byte) []byte { return b }, ""},
		{"a bit", func(_ *oci.ImageOptions, b []byte) []byte { b[len(b)/2] ^= 1; return b }, "its bytes have digest"},
		{"first byte", func(_ *oci.ImageOptions, b []byte) []byte { b[0] ^= 1; return b }, "its bytes have digest"},
		{"short", func(_ *oci.ImageOptions, b []byte) []byte { return b[:len(b)-1] }, "its size is not"},
		{"long", func(_ *oci.ImageOptions, b []byte) []byte { return append(b, 0) }, "its size is not"},
		{"diffID", func(o *oci.ImageOptions, b []byte) []byte { o.Layers[0].DiffID = o.Layers[0].Digest; return b }, "diffID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := imagetest.NewLayout(t)
			layer := writeLayer(t, l, goldenLayer()...)
			o := options(layer)
			path := l.BlobPath(layer.Digest)
			blob, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			blob = tt.damage(&o, blob)
			img, err := l.Image(writeImage(t, l, o))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, blob, 0o644); err != nil {
				t.Fatal(err)
			}
			imagetest.WantError(t, imagetest.ReadLayer(img, 0), tt.want)
		})
	}
}

// Images of other builders come with gzip or uncompressed layers.
func TestOpenLayerMediaTypes(t *testing.T) {
	data := pack(t, file("a", "content"))
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	zipped, err := tarball.LayerFromOpener(opener)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		layer v1.Layer
		want  string
	}{
		{"docker gzip", zipped, ""},
		{"uncompressed", static.NewLayer(data, types.OCIUncompressedLayer), ""},
		{"not gzip", static.NewLayer(data, types.OCILayer), "invalid header"},
		{"unknown", static.NewLayer(data, "text/plain"), `media type "text/plain"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img, err := mutate.AppendLayers(empty.Image, tt.layer)
			if err != nil {
				t.Fatal(err)
			}
			imagetest.WantError(t, imagetest.ReadLayer(img, 0), tt.want)
			imagetest.WantError(t, imagetest.ReadLayer(img, 1), "the image has 1 layers")
		})
	}
}
