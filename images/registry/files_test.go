package registry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
)

const setType = "application/vnd.example.files.v1"

// fileSet returns a set of texts.
func fileSet(texts map[string]string) registry.FileSet {
	set := registry.FileSet{Type: setType, Annotations: map[string]string{"org.opencontainers.image.title": "files"}}
	blobs := map[v1.Hash]string{}
	for _, name := range []string{"a/one", "a/two", "b/one again"} {
		if text, ok := texts[name]; ok {
			h, size, _ := v1.SHA256(bytes.NewReader([]byte(text)))
			blobs[h] = text
			set.Files = append(set.Files, registry.SetFile{Name: name, Digest: h, Size: size})
		}
	}
	set.Open = func(h v1.Hash) (io.ReadCloser, error) {
		text, ok := blobs[h]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader([]byte(text))), nil
	}
	return set
}

func TestFileSet(t *testing.T) {
	p := &proxy{to: startRegistry(t, "")}
	address := p.start(t)
	to := imagetest.Reference(t, address+"/sources/site:1")
	set := fileSet(map[string]string{"a/one": "one", "a/two": "two", "b/one again": "one"})
	h, err := registry.PushFiles(t.Context(), set, to, impatient())
	imagetest.WantError(t, err, "")
	if n := len(p.requests("PUT /v2/sources/site/blobs/")); n != 3 {
		t.Errorf("%d blobs were sent, want the config and two texts", n)
	}
	more := fileSet(map[string]string{"a/one": "one", "a/two": "three"})
	_, err = registry.PushFiles(t.Context(), more, imagetest.Reference(t, address+"/sources/site:2"), impatient())
	imagetest.WantError(t, err, "")
	if n := len(p.requests("PUT /v2/sources/site/blobs/")); n != 4 {
		t.Errorf("%d blobs were sent by both, want one more", n)
	}

	for _, ref := range []string{to.String(), address + "/sources/site@" + h.String()} {
		files, err := registry.OpenFiles(t.Context(), imagetest.Reference(t, ref), setType, impatient())
		imagetest.WantError(t, err, "")
		layout := imagetest.NewLayout(t)
		for _, f := range set.Files {
			found, ok := files.Find(f.Digest)
			if !ok {
				t.Fatalf("%s is not in %s", f.Name, ref)
			}
			imagetest.WantError(t, files.Bring(t.Context(), layout, found, nil), "")
			if !layout.Has(f.Digest) {
				t.Errorf("%s is not kept", f.Name)
			}
		}
		imagetest.WantNothingWrong(t, layout)
	}
}

func TestFileSetRefused(t *testing.T) {
	address := startRegistry(t, "")
	l, h := imagetest.NodeImage(t, 1)
	pushTo(t, l, h, address+"/roots/site:1")
	set := fileSet(map[string]string{"a/one": "one"})
	_, err := registry.PushFiles(t.Context(), set, imagetest.Reference(t, address+"/sources/site:1"), impatient())
	imagetest.WantError(t, err, "")

	tests := []struct{ name, ref, artifactType, want string }{
		{"an image", address + "/roots/site:1", setType, `it is of the type "", want "` + setType + `"`},
		{"another type", address + "/sources/site:1", "application/other", "want \"application/other\""},
		{"nothing", address + "/sources/site:9", setType, "404 Not Found"},
		{"a layout", "oci:" + l.Dir(), setType, "it is no registry's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := registry.OpenFiles(t.Context(), imagetest.Reference(t, tt.ref), tt.artifactType, impatient())
			imagetest.WantError(t, err, tt.want)
		})
	}
	_, err = registry.PushFiles(t.Context(), set, imagetest.Reference(t, "oci:dir"), impatient())
	imagetest.WantError(t, err, "the destination is no tag of a registry")
}

// Bytes that are not those of their digest are neither sent nor kept.
func TestFileSetDamaged(t *testing.T) {
	p := &proxy{to: startRegistry(t, "")}
	address := p.start(t)
	to := imagetest.Reference(t, address+"/sources/site:1")
	set := fileSet(map[string]string{"a/one": "one"})
	other := set
	other.Open = func(v1.Hash) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte("two"))), nil }
	_, err := registry.PushFiles(t.Context(), other, to, impatient())
	imagetest.WantError(t, err, "sending layer "+set.Files[0].Digest.String())

	_, err = registry.PushFiles(t.Context(), set, to, impatient())
	imagetest.WantError(t, err, "")
	files, err := registry.OpenFiles(t.Context(), to, setType, impatient())
	imagetest.WantError(t, err, "")
	p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
		if bytes.Equal(a.body, []byte("one")) {
			a.body = []byte("two")
			a.send(w)
			return true
		}
		return false
	}
	layout := imagetest.NewLayout(t)
	imagetest.WantError(t, files.Bring(context.Background(), layout, set.Files[0], nil), "its bytes have digest")
	if _, err := os.Stat(filepath.Join(layout.Dir(), "blobs", "sha256", set.Files[0].Digest.Hex)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("wrong bytes are kept (%v)", err)
	}
}
