// Package imagetest makes small images for tests, and looks at what became of them.
package imagetest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// NewLayout returns an empty layout.
func NewLayout(t testing.TB) *oci.Layout {
	t.Helper()
	l, err := oci.OpenLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// NodeImage returns a layout with an image for nodes: three layers, the second of
// 300 KiB that do not compress, in which seed makes a difference.
func NodeImage(t testing.TB, seed byte) (*oci.Layout, v1.Hash) {
	t.Helper()
	l := NewLayout(t)
	noise := make([]byte, 300<<10)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(noise) // it never fails
	h, err := l.WriteImage(oci.ImageOptions{
		Platform:    v1.Platform{OS: "linux", Architecture: "amd64"},
		Epoch:       time.Date(2026, 11, 22, 10, 20, 30, 0, time.UTC),
		Annotations: map[string]string{"org.opencontainers.image.title": "test"},
		Layers:      []oci.LayerRef{layer(t, l, "etc/motd", "hello\n"), layer(t, l, "noise", string(noise)), layer(t, l, "etc/issue", "node\n")},
		Ref:         "test:1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, h
}

// layer writes one of a single file.
func layer(t testing.TB, l *oci.Layout, name, content string) oci.LayerRef {
	t.Helper()
	var stream bytes.Buffer
	w := tar.NewWriter(&stream)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := l.WriteLayer(t.Context(), &stream, oci.LayerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Ref(name)
}

// Reference parses one.
func Reference(t testing.TB, s string) oci.Reference {
	t.Helper()
	ref, err := oci.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// Attach attaches to an image of a layout.
func Attach(t testing.TB, l *oci.Layout, h v1.Hash, a oci.Attachment) v1.Hash {
	t.Helper()
	got, err := l.Attach(h, a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// NoteType is the type of a Note.
const NoteType = "application/vnd.rootbuild.note.v1+json"

// Note returns an attachment with a text.
func Note(text string) oci.Attachment {
	return oci.Attachment{
		Type:        NoteType,
		Annotations: map[string]string{"org.opencontainers.image.description": "a note"},
		Blobs: []oci.AttachedBlob{
			{MediaType: "application/json", Title: "note.json", Data: []byte(text)},
			{MediaType: "text/plain", Annotations: map[string]string{"org.example.lang": "en"}, Data: []byte("also")},
		},
	}
}

// Put writes a value as a blob of a layout and describes it.
func Put(t testing.TB, l *oci.Layout, v any, typ types.MediaType) v1.Descriptor {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := oci.Describe(data, typ)
	Write(t, l.BlobPath(d.Digest), string(data))
	return d
}

// Enter makes manifests all that a layout's index names.
func Enter(t testing.TB, l *oci.Layout, manifests ...v1.Descriptor) {
	t.Helper()
	data, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, Manifests: manifests})
	if err != nil {
		t.Fatal(err)
	}
	Write(t, filepath.Join(l.Dir(), "index.json"), string(data))
}

// Manifest describes a manifest of a layout.
func Manifest(t testing.TB, l *oci.Layout, h v1.Hash) v1.Descriptor {
	t.Helper()
	data, err := os.ReadFile(l.BlobPath(h))
	if err != nil {
		t.Fatal(err)
	}
	return oci.Describe(data, types.OCIManifestSchema1)
}

// ForArch returns a descriptor as an index has it for an architecture.
func ForArch(d v1.Descriptor, arch string) v1.Descriptor {
	d.Platform = &v1.Platform{OS: "linux", Architecture: arch}
	return d
}

// Write writes a file, and the directories above it.
func Write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// DamageLayer changes a bit of an image's second layer.
func DamageLayer(t testing.TB, l *oci.Layout, h v1.Hash) {
	t.Helper()
	img, err := l.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	path := l.BlobPath(m.Layers[1].Digest)
	blob, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blob[len(blob)-1] ^= 1
	if err := os.WriteFile(path, blob, 0o644); err != nil {
		t.Fatal(err)
	}
}
