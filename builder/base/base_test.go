package base_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/images/oci"
)

func openLayout(t *testing.T) *oci.Layout {
	t.Helper()
	layout, err := oci.OpenLayout(filepath.Join(t.TempDir(), "layout"))
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

// needsMmdebstrap skips where no base can be bootstrapped.
func needsMmdebstrap(t *testing.T) {
	t.Helper()
	if err := base.Check(); err != nil {
		t.Skip(err)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		present []string
		want    []string
	}{
		{"no apt", nil, []string{"apt-get is not there", "--base REF"}},
		{"no mmdebstrap", []string{"apt-get"}, []string{"mmdebstrap is not installed", "apt-get install mmdebstrap", "--base REF"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, program := range tt.present {
				if err := os.WriteFile(filepath.Join(dir, program), nil, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir)
			_, err := base.Bootstrap(t.Context(), openLayout(t), base.Options{})
			if err == nil {
				t.Fatal("bootstrapped without the programs for it")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestFind(t *testing.T) {
	layout := openLayout(t)
	if h, found, err := base.Find(layout, base.Options{}); found || err != nil {
		t.Fatalf("empty layout: got %v, %v, %v", h, found, err)
	}

	layer := writeLayer(t, layout)
	want, err := layout.WriteImage(oci.ImageOptions{
		Layers:   []oci.LayerRef{layer.Ref("")},
		Platform: v1.Platform{OS: "linux", Architecture: "amd64"},
		Ref:      base.Ref(base.Options{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, found, err := base.Find(layout, base.Options{}); got != want || !found || err != nil {
		t.Errorf("got %v, %v, %v, want %v", got, found, err, want)
	}
	if got, _, err := base.Find(layout, base.Options{Mirror: "http://127.0.0.1/debian"}); got != want || err != nil {
		t.Errorf("from another mirror: got %v, %v, want the same base", got, err)
	}
	for _, other := range []base.Options{
		{Suite: "forky"},
		{Packages: []string{"make"}},
	} {
		if h, found, err := base.Find(layout, other); found || err != nil {
			t.Errorf("%+v: got %v, %v, %v, want none", other, h, found, err)
		}
	}

	if err := os.Remove(layout.BlobPath(layer.Digest)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := base.Find(layout, base.Options{}); found || err == nil {
		t.Errorf("layer is missing: got %v, %v, want an error", found, err)
	}
}

func writeLayer(t *testing.T, layout *oci.Layout) oci.Layer {
	t.Helper()
	var b bytes.Buffer
	if err := tar.NewWriter(&b).Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := layout.WriteLayer(t.Context(), &b, oci.LayerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func TestBootstrapFails(t *testing.T) {
	needsMmdebstrap(t)
	aptHost{conf: `Acquire::Retries "0";`}.use(t)
	layout, temp := openLayout(t), t.TempDir()
	// Nothing listens on port 1.
	o := base.Options{Mirror: "deb [trusted=yes] http://127.0.0.1:1/debian trixie main", TempDir: temp}
	_, err := base.Bootstrap(t.Context(), layout, o)
	if err == nil {
		t.Fatal("bootstrapped from a mirror that is not there")
	}
	if !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("error does not quote apt's:\n%v", err)
	}
	checkNothingLeft(t, layout, temp)
}

func TestBootstrapCancelled(t *testing.T) {
	needsMmdebstrap(t)
	layout, temp := openLayout(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mirror := silentMirror(t, cancel)
	o := base.Options{Mirror: "deb [trusted=yes] http://" + mirror + "/debian trixie main", TempDir: temp}
	if _, err := base.Bootstrap(ctx, layout, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	checkNothingLeft(t, layout, temp)
}

// silentMirror calls reached when a client connects, and never answers it.
func silentMirror(t *testing.T, reached func()) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			defer conn.Close()
			reached()
			<-t.Context().Done()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func checkNothingLeft(t *testing.T, layout *oci.Layout, temp string) {
	t.Helper()
	for _, dir := range []string{temp, filepath.Join(layout.Dir(), "blobs", "sha256")} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			t.Errorf("left behind: %s", filepath.Join(dir, e.Name()))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), temp) {
		t.Errorf("still mounted:\n%s", mounts)
	}
}
