package oci_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

// long is a type that begins as those do that a pull takes along.
var long = "application/vnd.rootbuild." + strings.Repeat("x", 50_000)

// What is attached under a type without end comes into no index: a hundred of them
// would make it too large to be read.
func TestTakeLongTypes(t *testing.T) {
	from, h := imagetest.NodeImage(t, 1)
	image, empty := imagetest.Manifest(t, from, h), imagetest.Put(t, from, map[string]any{}, types.OCIEmptyJSON)
	list := []v1.Descriptor{image}
	for i := range 90 {
		list = append(list, imagetest.Put(t, from, v1.Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: long, Config: empty, Subject: &image,
			Annotations: map[string]string{"number": fmt.Sprint(i)},
		}, types.OCIManifestSchema1))
	}
	imagetest.Enter(t, from, list...)
	to := imagetest.NewLayout(t)
	if _, err := take(t, to, from.Reference(h)); err != nil {
		t.Fatal(err)
	}
	imagetest.WantWhole(t, to, h)
	if to.Has(list[1].Digest) {
		t.Error("one of them was taken along")
	}
	if info, err := os.Stat(filepath.Join(to.Dir(), "index.json")); err != nil || info.Size() > 4096 {
		t.Errorf("the index: %v, %v", info.Size(), err)
	}
}

// writeBigIndex fills the index of a layout with entries until it has size bytes.
func writeBigIndex(t *testing.T, l *oci.Layout, size int, entry v1.Descriptor) {
	t.Helper()
	index := imagetest.Index(t, l.Dir())
	one, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	for i := range size / len(one) {
		entry.Digest.Hex = fmt.Sprintf("%064x", i)
		index.Manifests = append(index.Manifests, entry)
	}
	data, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	imagetest.Write(t, filepath.Join(l.Dir(), "index.json"), string(data))
}

// An index that is too large because of such types is mended when its layout is
// opened, and what else it names is still there.
func TestIndexMended(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	writeBigIndex(t, l, 20<<20, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256"}, ArtifactType: long})
	if _, err := oci.OpenLayout(l.Dir()); err != nil {
		t.Fatal(err)
	}
	if list := imagetest.Index(t, l.Dir()).Manifests; len(list) != 1 || list[0].Digest != h {
		t.Errorf("the index names %v", list)
	}
	if _, err := take(t, imagetest.NewLayout(t), l.Reference(h)); err != nil {
		t.Error(err)
	}
}

// An index is not written that would be too large to be read, and stays as it was.
func TestIndexFull(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	writeBigIndex(t, l, 16<<20-2000, v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: 1000, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}})
	index := filepath.Join(l.Dir(), "index.json")
	var err error
	var before []byte
	for i := 0; err == nil && i < 100; i++ {
		if before, err = os.ReadFile(index); err != nil {
			t.Fatal(err)
		}
		_, err = l.Attach(h, imagetest.Note(fmt.Sprint(i)))
	}
	imagetest.WantError(t, err, "it would have more than 16777216 bytes: begin another layout")
	after, err := os.ReadFile(index)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the index was changed: %v", err)
	}
}
