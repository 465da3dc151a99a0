package oci_test

import (
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// FuzzPackedLayer reads a layer of any bytes, whose digest is right. It ends with an
// error, or what was read has the digest that the config tells: that of nothing.
func FuzzPackedLayer(f *testing.F) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w.EncodeAll([]byte("text"), nil), false)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0}, false)
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, false)
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true)
	f.Fuzz(func(t *testing.T, data []byte, zipped bool) {
		media := types.OCILayerZStd
		if zipped {
			media = types.OCILayer
		}
		l := imagetest.NewLayout(t)
		d := oci.Describe(data, media)
		imagetest.Write(t, l.BlobPath(d.Digest), string(data))
		nothing := oci.Describe(nil, "").Digest
		config := imagetest.Put(t, l, v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{nothing}}}, types.OCIConfigJSON)
		m := imagetest.Put(t, l, v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{d}}, types.OCIManifestSchema1)
		imagetest.Enter(t, l, m)
		img, err := l.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		r, err := oci.OpenLayer(img, 0)
		if err != nil {
			return
		}
		defer r.Close()
		if n, err := io.Copy(io.Discard, r); err == nil && n > 0 {
			t.Errorf("%d bytes were taken for none", n)
		}
	})
}

// FuzzDockerArchive takes from an archive of any bytes. The layout that takes it keeps
// nothing wrong, and what it took can be opened.
func FuzzDockerArchive(f *testing.F) {
	d := newDockerTar()
	layer := make([]byte, 1024)
	if err := addFile(d, "a.tar", layer); err != nil {
		f.Fatal(err)
	}
	for name, text := range map[string]string{
		"c.json":        `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["` + oci.Describe(layer, "").Digest.String() + `"]}}`,
		"manifest.json": `[{"Config":"c.json","RepoTags":["a:1"],"Layers":["a.tar"]}]`,
	} {
		if err := addFile(d, name, []byte(text)); err != nil {
			f.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(d.Bytes())
	f.Add([]byte("no tar"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		imagetest.Write(t, dir+"/image.tar", string(data))
		l := imagetest.NewLayout(t)
		taken, err := take(t, l, imagetest.Reference(t, "docker-archive:"+dir+"/image.tar"))
		imagetest.WantNothingWrong(t, l)
		if err != nil {
			return
		}
		if _, err := l.Image(taken.Digest); err != nil {
			t.Error(err)
		}
	})
}
