package oci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

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
				imagetest.Write(t, filepath.Join(dir, name), content)
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
	dir := imagetest.NewLayout(t).Dir()
	old, young := filepath.Join(dir, ".tmp-old"), filepath.Join(dir, ".tmp-young")
	imagetest.Write(t, old, "x")
	imagetest.Write(t, young, "x")
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
