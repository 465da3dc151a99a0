package attach

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/rootbuild/rootbuild/stages"
)

// A blueprint comes with an image from anywhere: nothing of it gets out of its
// directory.
func TestUnpackBlueprint(t *testing.T) {
	for _, c := range []struct {
		name, path string
		fails      bool
	}{
		{"file", "recipes/app/recipe.yaml", false},
		{"above", "../outside", true},
		{"absolute", "/outside", true},
		{"above by a way", "recipes/../../outside", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			above := t.TempDir()
			dir := filepath.Join(above, "blueprint")
			err := unpackBlueprint(packed(t, c.path), dir)
			if (err != nil) != c.fails {
				t.Errorf("got %v, want a failure: %v", err, c.fails)
			}
			if _, err := os.Stat(filepath.Join(above, "outside")); !os.IsNotExist(err) {
				t.Errorf("outside: %v, want nothing there", err)
			}
			if _, err := os.Stat(filepath.Join(dir, c.path)); !c.fails && err != nil {
				t.Error(err)
			}
		})
	}
	if err := unpackBlueprint([]byte("no zstd"), t.TempDir()); err == nil {
		t.Error("unpacked what is no archive")
	}
}

func packed(t *testing.T, name string) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// FuzzBlueprint unpacks and reads a blueprint of any bytes. Nothing of it gets out of
// its directory.
func FuzzBlueprint(f *testing.F) {
	f.Add([]byte("no tar"))
	f.Fuzz(func(t *testing.T, data []byte) {
		enc, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		above := t.TempDir()
		dir := filepath.Join(above, "blueprint")
		if err := unpackBlueprint(enc.EncodeAll(data, nil), dir); err == nil {
			_, _, _ = stages.ReadBlueprint(dir) // any answer will do
		}
		entries, err := os.ReadDir(above)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 1 {
			t.Errorf("beside the blueprint: %v", entries)
		}
	})
}
