package oci_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// take brings the image of a layout into another, whoever signed it.
func take(t testing.TB, to *oci.Layout, from oci.Reference) (oci.Taken, error) {
	t.Helper()
	s, err := oci.OpenLocal(from)
	if err != nil {
		return oci.Taken{}, err
	}
	defer s.Close()
	return to.Take(t.Context(), s, func(v1.Hash, []oci.Artifact) ([]oci.Attachment, error) { return nil, nil })
}

func TestTakeLocal(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	for _, format := range []oci.Format{oci.FormatLayout, oci.FormatArchive} {
		t.Run(string(format), func(t *testing.T) {
			d := oci.Destination{Format: format, Path: filepath.Join(t.TempDir(), "image")}
			export(t, from, h, d, "site")
			l := imagetest.NewLayout(t)
			for _, blobs := range []int{4, 0} {
				got, err := take(t, l, imagetest.Reference(t, d.String()))
				if err != nil || got.Digest != h || got.Blobs != blobs {
					t.Fatalf("took %+v, %v, want %s and %d blobs", got, err, h, blobs)
				}
			}
			imagetest.WantWhole(t, l, h)
		})
	}
}

// What is attached is known when the image may be refused; a refused one brings no
// layer, and no entry of the index, nor does what is attached to it.
func TestTakeRefused(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	imagetest.Attach(t, from, h, imagetest.Note("1"))
	s, err := oci.OpenLocal(from.Reference(h))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, refused := imagetest.NewLayout(t), errors.New("refused")
	_, err = l.Take(t.Context(), s, func(image v1.Hash, attached []oci.Artifact) ([]oci.Attachment, error) {
		if image != h {
			t.Errorf("asked for %s, want %s", image, h)
		}
		if len(attached) != 1 || attached[0].Desc.ArtifactType != imagetest.Note("1").Type {
			t.Errorf("attached: %v", attached)
		}
		return nil, refused
	})
	wantAttached(t, l.Reference(h), h)
	if !errors.Is(err, refused) {
		t.Errorf("error %v, want %v", err, refused)
	}
	img, err := from.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Layers {
		if l.Has(d.Digest) {
			t.Errorf("layer %s was brought", d.Digest)
		}
	}
	for _, d := range imagetest.Index(t, l.Dir()).Manifests {
		if d.Digest == h {
			t.Error("the index names the image")
		}
	}
}

// Of several images one is named; of a damaged one nothing wrong is kept.
func TestTakeLocalFails(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	next, nextH := imagetest.NodeImage(t, 2)
	d := oci.Destination{Format: oci.FormatLayout, Path: from.Dir()}
	export(t, next, nextH, d, "next")
	l := imagetest.NewLayout(t)
	_, err := take(t, l, imagetest.Reference(t, d.String()))
	imagetest.WantError(t, err, "it holds 2 images: name one as @sha256:DIGEST")
	_, err = take(t, l, imagetest.Reference(t, d.String()+"@sha256:"+strings.Repeat("0", 64)))
	imagetest.WantError(t, err, "its index does not name")
	if _, err := take(t, l, from.Reference(h)); err != nil {
		t.Error(err)
	}
	imagetest.DamageLayer(t, from, nextH)
	_, err = take(t, l, from.Reference(nextH))
	imagetest.WantError(t, err, "its bytes have digest")
	imagetest.WantNothingWrong(t, l)
	_, err = take(t, l, imagetest.Reference(t, "oci-archive:"+t.TempDir()))
	imagetest.WantError(t, err, "is a directory")
}

// A layout that came from elsewhere may hold links that lead out of it.
func TestTakeLocalLinksOut(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	img, err := from.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	blob, outside := from.BlobPath(m.Layers[0].Digest), filepath.Join(t.TempDir(), "blob")
	if err := os.Rename(blob, outside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, blob); err != nil {
		t.Fatal(err)
	}
	_, err = take(t, imagetest.NewLayout(t), from.Reference(h))
	imagetest.WantError(t, err, "escapes")
}

// An index leads to the image for linux/amd64, and to no other.
func TestTakeIndex(t *testing.T) {
	tests := []struct {
		name  string
		index func(amd64 v1.Descriptor) []v1.Descriptor
		want  string
	}{
		{"ours among others", func(d v1.Descriptor) []v1.Descriptor {
			return []v1.Descriptor{imagetest.ForArch(d, "arm64"), imagetest.ForArch(d, "amd64"), imagetest.ForArch(d, "unknown")}
		}, ""},
		{"only others", func(d v1.Descriptor) []v1.Descriptor {
			return []v1.Descriptor{imagetest.ForArch(d, "arm64"), imagetest.ForArch(d, "s390x")}
		},
			"it holds images for linux/arm64, linux/s390x, and none for linux/amd64"},
		{"ours and a variant of it", func(d v1.Descriptor) []v1.Descriptor {
			v2, ours := d, d
			v2.Digest.Hex = strings.Repeat("2", 64)
			v2.Platform = &v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v2"}
			ours.Platform = &v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v1"}
			return []v1.Descriptor{v2, ours}
		}, ""},
		{"ours by the kernel's name", func(d v1.Descriptor) []v1.Descriptor { return []v1.Descriptor{imagetest.ForArch(d, "x86_64")} }, ""},
		{"only variants", func(d v1.Descriptor) []v1.Descriptor {
			d.Platform = &v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v\x1b[2J"}
			return []v1.Descriptor{d}
		}, `"linux/amd64/v\x1b[2J"`},
		{"empty platform", func(d v1.Descriptor) []v1.Descriptor {
			d.Platform = &v1.Platform{}
			return []v1.Descriptor{d}
		}, ""},
		{"40 platforms", func(d v1.Descriptor) (list []v1.Descriptor) {
			for i := range 40 {
				list = append(list, imagetest.ForArch(d, fmt.Sprintf("a%d", i)))
			}
			return list
		}, "linux/a19, and 20 more, and none for linux/amd64"},
		{"empty", func(v1.Descriptor) []v1.Descriptor { return []v1.Descriptor{} }, "it holds no image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from, h := imagetest.NodeImage(t, 1)
			d := imagetest.Manifest(t, from, h)
			imagetest.Enter(t, from, imagetest.Put(t, from, v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: tt.index(d)}, types.OCIImageIndex))
			l := imagetest.NewLayout(t)
			got, err := take(t, l, imagetest.Reference(t, "oci:"+from.Dir()))
			imagetest.WantError(t, err, tt.want)
			if err == nil && got.Digest != h {
				t.Errorf("took %s, want %s", got.Digest, h)
			}
		})
	}
}

// go-containerregistry notes the type of an image's config as that of an artifact.
func TestTakeOthersLayout(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	img, err := from.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Manifests[0].ArtifactType == "" {
		t.Error("it notes none any more: the case is gone")
	}
	got, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, "oci:"+dir))
	if err != nil || got.Digest != h {
		t.Errorf("took %s, %v; want %s", got.Digest, err, h)
	}
}

// Manifests that are not an image's, or that two readers could understand in
// two ways, are refused before anything moves.
func TestTakeOddManifests(t *testing.T) {
	tests := []struct {
		name   string
		change func(m map[string]any)
		want   string
	}{
		{"none", func(map[string]any) {}, ""},
		{"an index too", func(m map[string]any) { m["manifests"] = []any{} }, "an image and an index at once"},
		{"another type inside", func(m map[string]any) { m["mediaType"] = types.DockerManifestSchema2 }, "calls itself"},
		{"schema 1", func(m map[string]any) { m["schemaVersion"] = 1 }, "schema version 1"},
		{"an artifact", func(m map[string]any) { m["config"].(map[string]any)["mediaType"] = "text/spdx" }, "an artifact and no image"},
		{"a huge config", func(m map[string]any) { m["config"].(map[string]any)["size"] = 1 << 40 }, "its config has"},
		{"an unknown layer", func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["mediaType"] = "x/y" }, "no layer known here"},
		{"a negative size", func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["size"] = -1 }, "want a sha256 and a size"},
		{"a digest that is a path", func(m map[string]any) {
			m["layers"].([]any)[0].(map[string]any)["digest"] = "sha256:../../../../etc/passwd"
		}, "reading manifest"},
		{"another size", func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["size"] = 7 }, "its size is not the 7 bytes"},
		{"501 layers", func(m map[string]any) {
			layers := m["layers"].([]any)
			for len(layers) < 501 {
				layers = append(layers, layers[0])
			}
			m["layers"] = layers
		}, "it has 501 layers, more than 500"},
		{"a layer less", func(m map[string]any) { m["layers"] = m["layers"].([]any)[1:] }, "the config has 3 layers, the manifest 2"},
		{"a layer of an exabyte", func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["size"] = 1 << 60 }, "do not fit"},
		{"two sizes of one layer", func(m map[string]any) {
			l := maps.Clone(m["layers"].([]any)[0].(map[string]any))
			l["size"] = 1
			m["layers"] = append(m["layers"].([]any), l)
		}, " bytes, and 1"},
		{"no layers", func(m map[string]any) { delete(m, "layers") }, "the config has 3 layers, the manifest 0"},
		{"a string", func(m map[string]any) { m["layers"] = "none" }, "reading manifest"},
		{"an index too, in capitals", func(m map[string]any) { m["MANIFESTS"] = []any{} }, "an image and an index at once"},
		{"a layer that is elsewhere", func(m map[string]any) {
			l := m["layers"].([]any)[0].(map[string]any)
			l["mediaType"], l["urls"] = types.DockerForeignLayer, []any{"http://169.254.169.254/layer"}
		}, "no layer known here"},
		{"a layer that is here and elsewhere", func(m map[string]any) {
			m["layers"].([]any)[0].(map[string]any)["urls"] = []any{"http://169.254.169.254/layer"}
		}, ""},
		{"a layer with other bytes inside", func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["data"] = "b3RoZXI=" }, ""},
		{"a layer twice", func(m map[string]any) { m["layers"] = append(m["layers"].([]any), m["layers"].([]any)[0]) }, "the config has 3 layers, the manifest 4"},
		{"a digest of another kind", func(m map[string]any) {
			m["layers"].([]any)[0].(map[string]any)["digest"] = "sha512:" + strings.Repeat("0", 128)
		}, "want a sha256 and a size"},
		{"a digest in capitals", func(m map[string]any) {
			m["layers"].([]any)[0].(map[string]any)["digest"] = "sha256:" + strings.Repeat("A", 64)
		}, "reading manifest"},
		{"a config that is a layer", func(m map[string]any) {
			config, layer := m["config"].(map[string]any), m["layers"].([]any)[0].(map[string]any)
			config["digest"], config["size"] = layer["digest"], layer["size"]
		}, "reading config"},
		{"5 MB of annotations", func(m map[string]any) { m["annotations"] = map[string]any{"a": strings.Repeat("x", 5<<20)} }, "more than 4194304 bytes"},
		{"5,000 lists in each other", func(m map[string]any) {
			m["annotations"] = json.RawMessage(strings.Repeat("[", 5000) + strings.Repeat("]", 5000))
		}, "reading manifest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from, h := imagetest.NodeImage(t, 1)
			data, err := os.ReadFile(from.BlobPath(h))
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			tt.change(m)
			imagetest.Enter(t, from, imagetest.Put(t, from, m, types.OCIManifestSchema1))
			l := imagetest.NewLayout(t)
			_, err = take(t, l, imagetest.Reference(t, "oci:"+from.Dir()))
			imagetest.WantError(t, err, tt.want)
			imagetest.WantNothingWrong(t, l)
		})
	}
}

// A config that names no platform may be for ours.
func TestTakeNoPlatform(t *testing.T) {
	for _, name := range []string{"os", "architecture"} {
		t.Run(name, func(t *testing.T) {
			from, h := imagetest.NodeImage(t, 1)
			img, err := from.Image(h)
			if err != nil {
				t.Fatal(err)
			}
			m, err := img.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			config, err := img.RawConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			var c map[string]any
			if err := json.Unmarshal(config, &c); err != nil {
				t.Fatal(err)
			}
			delete(c, name)
			m = m.DeepCopy()
			m.Config = imagetest.Put(t, from, c, types.OCIConfigJSON)
			d := imagetest.Put(t, from, m, types.OCIManifestSchema1)
			imagetest.Enter(t, from, d)
			l := imagetest.NewLayout(t)
			if _, err := take(t, l, from.Reference(d.Digest)); err != nil {
				t.Fatal(err)
			}
			imagetest.WantWhole(t, l, d.Digest)
		})
	}
}

// An image for other nodes is refused when its config is there, before its
// layers move.
func TestTakeOtherPlatform(t *testing.T) {
	from, h := testImage(t)
	l := imagetest.NewLayout(t)
	_, err := take(t, l, from.Reference(h))
	imagetest.WantError(t, err, `the image is for "linux/arm", want linux/amd64`)
	if n := len(imagetest.Names(t, l.Dir()+"/blobs/sha256")); n != 1 {
		t.Errorf("%d blobs moved, want the config alone", n)
	}
}

// Of too many attachments the rest is left, and signatures are taken before others.
func TestTakeManyAttachments(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	image, empty := imagetest.Manifest(t, from, h), imagetest.Put(t, from, map[string]any{}, types.OCIEmptyJSON)
	list := []v1.Descriptor{image}
	put := func(kind string, n int) {
		d := imagetest.Put(t, from, v1.Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: kind, Config: empty, Subject: &image,
			Annotations: map[string]string{"number": fmt.Sprint(n)},
		}, types.OCIManifestSchema1)
		d.ArtifactType = kind
		list = append(list, d)
	}
	for i := range 150 {
		put("application/spdx+json", i)
	}
	for i := range 3 {
		put(oci.SimpleArtifact, i)
	}
	imagetest.Enter(t, from, list...)
	to := imagetest.NewLayout(t)
	taken, err := take(t, to, from.Reference(h))
	if err != nil || taken.Left != 53 {
		t.Fatalf("%d were left, %v", taken.Left, err)
	}
	if got := len(imagetest.Index(t, to.Dir()).Manifests); got != 101 {
		t.Errorf("the index names %d, want the image and 100", got)
	}
	for _, d := range list[151:] {
		if !to.Has(d.Digest) {
			t.Error("a signature was left")
		}
	}
}
