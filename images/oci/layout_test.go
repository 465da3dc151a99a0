package oci_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

func readIndex(t *testing.T, dir string) v1.IndexManifest {
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

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpenLayout(t *testing.T) {
	const marker = `{"imageLayoutVersion": "1.0.0"}`
	tests := []struct {
		name  string
		files map[string]string // in the directory, or "" for a file in its place
		want  string            // in the error
	}{
		{"absent", nil, ""},
		{"created in part", map[string]string{"oci-layout": marker}, ""},
		{"left while its marker was written", map[string]string{".oci-layout123": "{"}, ""},
		{"complete", map[string]string{"oci-layout": marker, "index.json": `{"schemaVersion":2,"manifests":[]}`}, ""},
		{"a file", map[string]string{"": "x"}, "not a directory"},
		{"something else", map[string]string{"home/letter": "x"}, "neither empty nor an OCI layout: it holds home"},
		{"another version", map[string]string{"oci-layout": `{"imageLayoutVersion": "2.0.0"}`}, `version "2.0.0"`},
		{"broken marker", map[string]string{"oci-layout": "{"}, "reading oci-layout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "l")
			for name, content := range tt.files {
				write(t, filepath.Join(dir, name), content)
			}
			l, err := oci.OpenLayout(dir)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
					t.Errorf("error %v, want one with %q and %s", err, tt.want, dir)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if l.Dir() != dir {
				t.Errorf("Dir is %s, want %s", l.Dir(), dir)
			}
			writeImage(t, l, options(writeLayer(t, l, file("a", "x"))))
		})
	}
}

func TestOpenLayoutSweeps(t *testing.T) {
	dir := newLayout(t).Dir()
	old, young := filepath.Join(dir, ".tmp-old"), filepath.Join(dir, ".tmp-young")
	write(t, old, "x")
	write(t, young, "x")
	past := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if _, err := oci.OpenLayout(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("what a killed writer left is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("a file that may be in use is gone: %v", err)
	}
}
