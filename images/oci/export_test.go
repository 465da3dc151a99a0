package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
)

func TestParseDestination(t *testing.T) {
	tests := []struct {
		in   string
		want oci.Destination
		err  string
	}{
		{"oci:a/b", oci.Destination{Format: oci.FormatLayout, Path: "a/b"}, ""},
		{"oci-archive:x.tar", oci.Destination{Format: oci.FormatArchive, Path: "x.tar"}, ""},
		{"docker-archive:/x", oci.Destination{Format: oci.FormatDocker, Path: "/x"}, ""},
		{"x.tar", oci.Destination{}, "no format"},
		{"oci:", oci.Destination{}, "no path"},
		{"oci:dir:tag", oci.Destination{}, "colon"},
		{"tar:x", oci.Destination{}, `format "tar" is unknown`},
	}
	for _, tt := range tests {
		got, err := oci.ParseDestination(tt.in)
		imagetest.WantError(t, err, tt.err)
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.in, got, tt.want)
		}
		if err == nil && got.String() != tt.in {
			t.Errorf("%s comes back as %s", tt.in, got)
		}
		if err != nil && !strings.Contains(err.Error(), "want oci:DIR, oci-archive:FILE or docker-archive:FILE") {
			t.Errorf("error %q does not list the forms", err)
		}
	}
}

// testImage returns a layout with an image of two different layers and one of
// them twice.
func testImage(t *testing.T) (*oci.Layout, v1.Hash) {
	t.Helper()
	l := imagetest.NewLayout(t)
	low, high := writeLayer(t, l, file("a", "1"), file("b", "2")), writeLayer(t, l, file("b", "3"))
	return l, writeImage(t, l, options(low, high, low))
}

func export(t *testing.T, l *oci.Layout, h v1.Hash, d oci.Destination, name string) {
	t.Helper()
	if err := l.Export(t.Context(), h, d, name); err != nil {
		t.Fatal(err)
	}
}

func TestExportLayout(t *testing.T) {
	l, h := testImage(t)
	d := oci.Destination{Format: oci.FormatLayout, Path: filepath.Join(t.TempDir(), "out")}
	export(t, l, h, d, "out:1")
	export(t, l, h, d, "out:1")
	to, err := oci.OpenLayout(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := to.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		imagetest.WantError(t, imagetest.ReadLayer(img, i), "")
	}
	list := imagetest.Index(t, d.Path).Manifests
	if len(list) != 1 || list[0].Annotations["org.opencontainers.image.ref.name"] != "out:1" || list[0].Platform.String() != "linux/arm/v7" {
		t.Errorf("index of the export: %+v", list)
	}
	if got, want := len(imagetest.Names(t, d.Path+"/blobs/sha256")), 4; got != want {
		t.Errorf("%d blobs, want %d", got, want)
	}
}

// An archive is the same file whenever and from wherever it is written.
func TestExportFilesReproducible(t *testing.T) {
	for _, format := range []oci.Format{oci.FormatArchive, oci.FormatDocker} {
		var files [][]byte
		for range 2 {
			l, h := testImage(t)
			d := oci.Destination{Format: format, Path: filepath.Join(t.TempDir(), "out")}
			export(t, l, h, d, "out:1")
			data, err := os.ReadFile(d.Path)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, data)
			if got := imagetest.Names(t, filepath.Dir(d.Path)); !slices.Equal(got, []string{"out"}) {
				t.Errorf("%s left %q", format, got)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("two files of %s differ", format)
		}
	}
}

func TestExportArchiveHoldsLayout(t *testing.T) {
	l, h := testImage(t)
	d := oci.Destination{Format: oci.FormatArchive, Path: filepath.Join(t.TempDir(), "out.tar")}
	export(t, l, h, d, "")
	dir := t.TempDir()
	extract(t, d.Path, dir)
	to, err := oci.OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	img, err := to.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		imagetest.WantError(t, imagetest.ReadLayer(img, i), "")
	}
}

func extract(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		imagetest.Write(t, filepath.Join(dir, h.Name), string(data))
	}
}

func TestExportDocker(t *testing.T) {
	tests := []struct{ name, want, err string }{
		{"", "", ""},
		{"site/uclibc:1", "site/uclibc:1", ""},
		{"uclibc", "uclibc:latest", ""},
		{"Not A Name", "", "want REPOSITORY:TAG"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, h := testImage(t)
			path := filepath.Join(t.TempDir(), "out.tar")
			err := l.Export(t.Context(), h, oci.Destination{Format: oci.FormatDocker, Path: path}, tt.name)
			imagetest.WantError(t, err, tt.err)
			if err != nil {
				return
			}
			list, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(list[0].RepoTags, " "); got != tt.want {
				t.Errorf("tags %q, want %q", got, tt.want)
			}
			img, err := tarball.ImageFromPath(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(img); err != nil {
				t.Error(err)
			}
		})
	}
}

// What goes wrong leaves no file, and the file that was there before.
func TestExportFails(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, format := range []oci.Format{oci.FormatLayout, oci.FormatArchive, oci.FormatDocker} {
		t.Run(string(format), func(t *testing.T) {
			l, h := testImage(t)
			d := oci.Destination{Format: format, Path: filepath.Join(t.TempDir(), "out")}
			if format != oci.FormatLayout {
				imagetest.Write(t, d.Path, "before")
			}
			if err := l.Export(canceled, h, d, ""); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %v", err, context.Canceled)
			}
			imagetest.DamageLayer(t, l, h)
			imagetest.WantError(t, l.Export(t.Context(), h, d, ""), "its bytes have digest")
			if got := imagetest.Names(t, filepath.Dir(d.Path)); !slices.Equal(got, []string{"out"}) {
				t.Errorf("the directory holds %q", got)
			}
			if format == oci.FormatLayout {
				if n := len(imagetest.Index(t, d.Path).Manifests); n != 0 {
					t.Errorf("the index names %d images, want none", n)
				}
			} else if got, err := os.ReadFile(d.Path); err != nil || string(got) != "before" {
				t.Errorf("the file holds %.20q, %v", got, err)
			}
		})
	}
	l, h := testImage(t)
	imagetest.WantError(t, l.Export(t.Context(), h, oci.Destination{Format: "zip", Path: "x"}, ""), `format "zip" is unknown`)
}
