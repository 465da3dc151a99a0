package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// dockerTar is one as older docker save writes it: each layer in a directory of its own,
// a layer of two images as a link.
type dockerTar struct {
	bytes.Buffer
	*tar.Writer
	list []map[string]any
}

func newDockerTar() *dockerTar {
	d := &dockerTar{}
	d.Writer = tar.NewWriter(&d.Buffer)
	return d
}

func addFile(d *dockerTar, name string, data []byte) error {
	if err := d.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := d.Writer.Write(data)
	return err
}

func (d *dockerTar) file(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := addFile(d, name, data); err != nil {
		t.Fatal(err)
	}
}

// image adds an image with layers that are in the tar already.
func (d *dockerTar) image(t *testing.T, tag string, diffIDs []v1.Hash, layers ...string) {
	t.Helper()
	config, err := json.Marshal(v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs}})
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%d.json", len(d.list))
	d.file(t, name, config)
	d.list = append(d.list, map[string]any{"Config": name, "RepoTags": []string{tag}, "Layers": layers})
}

func (d *dockerTar) end(t *testing.T) string {
	t.Helper()
	list, err := json.Marshal(d.list)
	if err != nil {
		t.Fatal(err)
	}
	d.file(t, "manifest.json", list)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	imagetest.Write(t, path, d.String())
	return path
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What docker save and podman save write is taken, by name where it has several images,
// layers packed or not.
func TestTakeDockerArchive(t *testing.T) {
	plain, packed := bytes.Repeat([]byte{0}, 1024), append(bytes.Repeat([]byte{0}, 1024), make([]byte, 1024)...)
	ids := []v1.Hash{oci.Describe(plain, "").Digest, oci.Describe(packed, "").Digest}
	d := newDockerTar()
	d.file(t, "a/layer.tar", plain)
	d.file(t, "b.tar.gz", gzipped(t, packed))
	if err := d.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "c/layer.tar", Linkname: "../a/layer.tar"}); err != nil {
		t.Fatal(err)
	}
	d.image(t, "localhost/site:1", ids, "a/layer.tar", "b.tar.gz")
	d.image(t, "localhost/site:2", ids[:1], "c/layer.tar")
	path := d.end(t)
	for name, layers := range map[string]int{"localhost/site:1": 2, "localhost/site:2": 1} {
		to := imagetest.NewLayout(t)
		taken, err := take(t, to, imagetest.Reference(t, "docker-archive:"+path+":"+name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := to.Image(taken.Digest)
		if err != nil {
			t.Fatal(err)
		}
		for i := range layers {
			if err := imagetest.ReadLayer(img, i); err != nil {
				t.Errorf("%s: layer %d: %v", name, i, err)
			}
		}
		// As it is printed, it is taken again.
		if _, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, imagetest.Reference(t, "docker-archive:"+path).At(taken.Digest))); err != nil {
			t.Error(err)
		}
	}
	for ref, want := range map[string]string{
		"docker-archive:" + path:                         "it holds 2 images: name one as @sha256:DIGEST",
		"docker-archive:" + path + ":localhost/site:3":   `names no image "localhost/site:3"; it names localhost/site:1, localhost/site:2`,
		"oci-archive:" + path:                            "it is what docker save and podman save write: name it docker-archive:" + path,
		"oci:" + path:                                    "is a file: name it oci-archive:FILE, or docker-archive:FILE",
		"oci-archive:" + filepath.Dir(path):              "is a directory: name it oci:DIR",
		"docker-archive:" + filepath.Dir(path) + "/none": "no such file",
	} {
		_, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, ref))
		imagetest.WantError(t, err, want)
	}
	_, err := oci.ParseReference(path)
	imagetest.WantError(t, err, "it is a file: name it oci-archive:FILE, or docker-archive:FILE")
}

// An archive is held to what it says of itself.
func TestTakeDockerArchiveDamaged(t *testing.T) {
	layer := bytes.Repeat([]byte{0}, 1024)
	id := oci.Describe(layer, "").Digest
	for _, tt := range []struct {
		name  string
		write func(d *dockerTar)
		want  string
	}{
		{"another layer", func(d *dockerTar) {
			d.file(t, "a.tar", append([]byte("x"), layer...))
			d.image(t, "a", []v1.Hash{id}, "a.tar")
		}, "have digest"},
		{"a layer less", func(d *dockerTar) { d.image(t, "a", []v1.Hash{id}) }, "it has 0 layers"},
		{"no such layer", func(d *dockerTar) { d.image(t, "a", []v1.Hash{id}, "../a.tar") }, "does not exist"},
		{"no config", func(d *dockerTar) { d.list = append(d.list, map[string]any{"Config": "../../etc/passwd"}) }, "does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDockerTar()
			tt.write(d)
			_, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, "docker-archive:"+d.end(t)))
			imagetest.WantError(t, err, tt.want)
		})
	}
}

// A layout's image has a name, as skopeo and umoci give it, and an image behind an index
// in the index is taken by its digest.
func TestTakeNamed(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	d := oci.Destination{Format: oci.FormatLayout, Path: filepath.Join(t.TempDir(), "lay:out")}
	for _, name := range []string{"one", "localhost/site:2"} {
		if err := from.Export(t.Context(), h, d, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"one", "localhost/site:2"} {
		if _, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, "oci:"+d.Path+":"+name)); err != nil {
			t.Error(err)
		}
	}
	_, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, "oci:"+d.Path+":two"))
	imagetest.WantError(t, err, `names no image "two"`)

	l, h := imagetest.NodeImage(t, 2)
	inner := imagetest.Put(t, l, v1.IndexManifest{SchemaVersion: 2, MediaType: "application/vnd.oci.image.index.v1+json", Manifests: []v1.Descriptor{imagetest.Manifest(t, l, h)}}, "application/vnd.oci.image.index.v1+json")
	imagetest.Enter(t, l, inner)
	for _, ref := range []string{"oci:" + l.Dir(), "oci:" + l.Dir() + "@" + h.String()} {
		if taken, err := take(t, imagetest.NewLayout(t), imagetest.Reference(t, ref)); err != nil || taken.Digest != h {
			t.Errorf("%s: %v, %v", ref, taken.Digest, err)
		}
	}
	_, err = take(t, imagetest.NewLayout(t), imagetest.Reference(t, "oci:"+l.Dir()+"@sha256:"+strings.Repeat("0", 64)))
	imagetest.WantError(t, err, "does not name sha256:0000")
	if _, err := os.Stat(l.Dir()); err != nil {
		t.Fatal(err)
	}
}
