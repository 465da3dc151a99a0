package distfiles_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

func TestOpenMakesAnOCILayout(t *testing.T) {
	store := open(t)
	index, err := layout.ImageIndexFromPath(store.Dir())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 0 || manifest.SchemaVersion != 2 {
		t.Errorf("index of a new store is %+v", manifest)
	}
	text, err := os.ReadFile(filepath.Join(store.Dir(), "oci-layout"))
	if err != nil {
		t.Fatal(err)
	}
	var version map[string]string
	if err := json.Unmarshal(text, &version); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"imageLayoutVersion": "1.0.0"}, version); diff != "" {
		t.Errorf("oci-layout: %s", diff)
	}
}

func TestOpenKeepsWhatIsThere(t *testing.T) {
	store := open(t)
	index := filepath.Join(store.Dir(), "index.json")
	text := `{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}`
	if err := os.WriteFile(index, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := distfiles.Open(store.Dir()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(index); err != nil || string(got) != text {
		t.Errorf("index.json became %q (%v)", got, err)
	}
}

func TestOpenRefusesAnotherVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"2.0.0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := distfiles.Open(dir)
	wantError(t, err, dir, `"2.0.0"`)
	if _, err := os.Stat(filepath.Join(dir, "blobs")); !os.IsNotExist(err) {
		t.Errorf("a refused directory was changed: blobs: %v", err)
	}
}

func TestMissing(t *testing.T) {
	store := open(t)
	server := serve(t, whole(content))
	here, gone := source("here", content, server.URL), source("gone", []byte("gone"))
	if err := fetch(t, store, quick(), here); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]distfiles.Source{gone}, store.Missing([]distfiles.Source{here, gone})); diff != "" {
		t.Errorf("missing sources: %s", diff)
	}
	if store.Has("../../index.json") || store.Has("") {
		t.Error("Has takes what is no checksum")
	}
}

func TestFetchRefusesInvalidSources(t *testing.T) {
	err := fetch(t, open(t), quick(),
		distfiles.Source{Name: "nosum"},
		distfiles.Source{Name: "upper", SHA256: "ABC"},
		distfiles.Source{Name: "../up", SHA256: sumOf(content)})
	wantError(t, err, `source nosum: sha256 ""`, `source upper: sha256 "ABC"`, `name "../up"`)
}
