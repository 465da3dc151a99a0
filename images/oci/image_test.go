package oci_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

func TestWriteImage(t *testing.T) {
	l := imagetest.NewLayout(t)
	low, high := writeLayer(t, l, file("a", "1")), writeLayer(t, l, file("b", "2"))
	h := writeImage(t, l, options(low, high))
	img, err := l.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Layers[0].Digest != low.Digest || config.RootFS.DiffIDs[1] != high.DiffID {
		t.Errorf("layers %v with diffIDs %v", manifest.Layers, config.RootFS.DiffIDs)
	}
	if got := config.Platform().String(); got != "linux/arm/v7" {
		t.Errorf("platform %s, want linux/arm/v7", got)
	}
	if !config.Created.Equal(epoch) || config.History[1].CreatedBy != "package 1" {
		t.Errorf("created %v, history %v", config.Created, config.History)
	}
	want := v1.Config{Env: []string{"PATH=/usr/bin"}, Cmd: []string{"/bin/sh"}, Labels: map[string]string{"a": "1", "b": "<2>"}}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got := manifest.Annotations["org.opencontainers.image.title"]; got != "test" {
		t.Errorf("title %q, want test", got)
	}
}

// Writing an image again touches nothing, so a build with nothing to do does
// not write.
func TestWriteImageTwice(t *testing.T) {
	l := imagetest.NewLayout(t)
	o := options(writeLayer(t, l, file("a", "1")))
	h := writeImage(t, l, o)
	before := stat(t, l.Dir()+"/index.json", l.BlobPath(h))
	if again := writeImage(t, l, o); again != h {
		t.Errorf("digest %s, then %s", h, again)
	}
	for i, info := range stat(t, l.Dir()+"/index.json", l.BlobPath(h)) {
		if !os.SameFile(before[i], info) {
			t.Errorf("%s was written again", info.Name())
		}
	}
}

func stat(t *testing.T, paths ...string) []os.FileInfo {
	t.Helper()
	var list []os.FileInfo
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, info)
	}
	return list
}

// A name moves to the newer image; the older stays reachable by digest.
func TestWriteImageRefs(t *testing.T) {
	l := imagetest.NewLayout(t)
	one := options(writeLayer(t, l, file("a", "1")))
	two := options(writeLayer(t, l, file("a", "2")))
	first := writeImage(t, l, one)
	second := writeImage(t, l, two)
	two.Ref = "other:2"
	writeImage(t, l, two)
	two.Ref = ""
	writeImage(t, l, two)

	got := map[string]v1.Hash{}
	for _, d := range imagetest.Index(t, l.Dir()).Manifests {
		got[d.Annotations["org.opencontainers.image.ref.name"]] = d.Digest
	}
	want := map[string]v1.Hash{"": first, "test:1": second, "other:2": second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
	if _, err := l.Image(first); err != nil {
		t.Errorf("the image that lost its name: %v", err)
	}
}

func TestWriteImageRefuses(t *testing.T) {
	l := imagetest.NewLayout(t)
	o := options(writeLayer(t, l, file("a", "1")))
	absent := oci.LayerRef{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}}
	o.Layers = append(o.Layers, absent)
	o.Layers[0].Size++
	o.Platform.OS = ""
	_, err := l.WriteImage(o)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"want an OS", absent.Digest.Hex, "bytes, want"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if n := len(imagetest.Index(t, l.Dir()).Manifests); n != 0 {
		t.Errorf("the index names %d images, want none", n)
	}
}

func TestImageIncomplete(t *testing.T) {
	tests := []struct {
		name string
		blob func(m *v1.Manifest, h v1.Hash) v1.Hash
	}{
		{"manifest", func(_ *v1.Manifest, h v1.Hash) v1.Hash { return h }},
		{"config", func(m *v1.Manifest, _ v1.Hash) v1.Hash { return m.Config.Digest }},
		{"layer", func(m *v1.Manifest, _ v1.Hash) v1.Hash { return m.Layers[0].Digest }},
	}
	for _, tt := range tests {
		for _, damage := range []string{"missing", "changed"} {
			t.Run(tt.name+" "+damage, func(t *testing.T) {
				l := imagetest.NewLayout(t)
				h := writeImage(t, l, options(writeLayer(t, l, file("a", "1"))))
				img, err := l.Image(h)
				if err != nil {
					t.Fatal(err)
				}
				m, err := img.Manifest()
				if err != nil {
					t.Fatal(err)
				}
				blob := tt.blob(m, h)
				if !l.Has(blob) {
					t.Fatalf("blob %s is not there", blob)
				}
				if damage == "missing" {
					err = os.Remove(l.BlobPath(blob))
				} else {
					err = os.WriteFile(l.BlobPath(blob), []byte("{}"), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.Image(h); err == nil || !strings.Contains(err.Error(), "blob "+blob.String()) {
					t.Errorf("error %v, want one that names blob %s", err, blob)
				}
			})
		}
	}
}

func TestImageUnknown(t *testing.T) {
	h := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	if _, err := imagetest.NewLayout(t).Image(h); err == nil || !strings.Contains(err.Error(), h.String()) {
		t.Errorf("error %v, want one that names %s", err, h)
	}
}
