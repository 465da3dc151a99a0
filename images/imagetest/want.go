package imagetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// WantError fails unless an error holds a text; "" stands for no error.
func WantError(t testing.TB, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Fatal(err)
	}
	if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// WantWhole fails unless the layout holds all of an image, byte for byte.
func WantWhole(t testing.TB, l *oci.Layout, h v1.Hash) {
	t.Helper()
	img, err := l.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for i := range layers {
		WantError(t, ReadLayer(img, i), "")
	}
}

// ReadLayer reads a layer to its end, and says what is wrong with it.
func ReadLayer(img v1.Image, i int) error {
	r, err := oci.OpenLayer(img, i)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	if _, again := r.Read(make([]byte, 1)); err != nil && !errors.Is(again, err) {
		return again
	}
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return err
}

// WantNothingWrong fails if a blob of the layout is not what its name says.
func WantNothingWrong(t testing.TB, l *oci.Layout) {
	t.Helper()
	dir := filepath.Join(l.Dir(), "blobs", "sha256")
	for _, name := range Names(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != name {
			t.Errorf("blob %s has other bytes", name)
		}
	}
}

// WantAttachments fails unless just those are there, in any order.
func WantAttachments(t testing.TB, got []oci.Attachment, want ...oci.Attachment) {
	t.Helper()
	byData := func(list []oci.Attachment) map[string]oci.Attachment {
		m := map[string]oci.Attachment{}
		for _, a := range list {
			m[string(a.Blobs[0].Data)] = a
		}
		return m
	}
	if diff := cmp.Diff(byData(want), byData(got)); diff != "" || len(got) != len(want) {
		t.Errorf("%d attachments, want %d (-want +got):\n%s", len(got), len(want), diff)
	}
}

// Index returns the index of the layout in dir.
func Index(t testing.TB, dir string) v1.IndexManifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	return index
}

// Names returns what a directory holds.
func Names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
