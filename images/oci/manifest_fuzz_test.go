package oci_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// FuzzManifest takes from a layout whose index, manifest and config hold any
// bytes. Whatever they are, the layout that takes it keeps no wrong
// bytes, and writes nothing beside itself; an image that it took can be read to
// its end or is refused.
func FuzzManifest(f *testing.F) {
	from, h := imagetest.NodeImage(f, 1)
	manifest, err := os.ReadFile(from.BlobPath(h))
	if err != nil {
		f.Fatal(err)
	}
	img, err := from.Image(h)
	if err != nil {
		f.Fatal(err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		f.Fatal(err)
	}
	const index = `{"schemaVersion":2,"manifests":[]}`
	f.Add(string(manifest), string(config), "")
	f.Add(strings.Replace(string(manifest), "manifest.v1", "index.v1", 1), string(config), "")
	f.Add(`{"schemaVersion":2,"config":{},"layers":[{"digest":"sha256:../..","size":-1}]}`, "{}", "")
	f.Add(string(manifest), string(config), index)
	f.Add(index, "null", strings.Replace(index, "[]", `[{"mediaType":"application/vnd.oci.image.index.v1+json","platform":null}]`, 1))
	f.Fuzz(func(t *testing.T, manifest, config, index string) {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		ref := hostileLayout(t, img, from, manifest, config, index)
		l, err := oci.OpenLayout(to)
		if err != nil {
			t.Fatal(err)
		}
		pulled, err := take(t, l, ref)
		imagetest.WantNothingWrong(t, l)
		if have := imagetest.Names(t, dir); len(have) != 2 {
			t.Errorf("beside the layouts: %q", have)
		}
		if err != nil {
			return
		}
		taken, err := l.Image(pulled.Digest)
		if err != nil {
			t.Fatalf("took %s, which cannot be opened: %v", pulled.Digest, err)
		}
		m, err := taken.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Layers {
			_ = imagetest.ReadLayer(taken, i) // refused or not, it ends
		}
	})
}

// hostileLayout writes a layout with the layers of an image and any other bytes.
func hostileLayout(t *testing.T, img v1.Image, dir, manifest, config, index string) oci.Reference {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	blobs := []string{manifest, config}
	for _, l := range layers {
		r, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := io.Copy(&b, r); err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, b.String())
	}
	at := describeText(t, manifest)
	if index == "" {
		index = `{"schemaVersion":2,"manifests":[{"mediaType":"` + string(at.MediaType) + `","digest":"` + at.Digest.String() + `","size":1}]}`
	}
	imagetest.Write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
	imagetest.Write(t, filepath.Join(dir, "index.json"), index)
	for _, b := range blobs {
		imagetest.Write(t, filepath.Join(dir, "blobs/sha256", describeText(t, b).Digest.Hex), b)
	}
	return imagetest.Reference(t, "oci:"+dir)
}

func describeText(t *testing.T, s string) v1.Descriptor {
	t.Helper()
	h, size, err := v1.SHA256(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: size, Digest: h}
}
