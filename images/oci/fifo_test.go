package oci_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// A FIFO in the place of a file of a layout, of a layout or of an archive is refused,
// and not waited for.
func TestFIFO(t *testing.T) {
	layout, digest := imagetest.NodeImage(t, 1)
	fifo := func(t *testing.T, path string) {
		t.Helper()
		if err := errors.Join(os.RemoveAll(path), unix.Mkfifo(path, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	copied := func(t *testing.T) string {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "layout")
		if err := os.CopyFS(dir, os.DirFS(layout.Dir())); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	resolve := func(ref string) error {
		r, err := oci.ParseReference(ref)
		if err != nil {
			return err
		}
		l, err := oci.OpenLocal(r)
		if err != nil {
			return err
		}
		_, _, err = l.Resolve(t.Context())
		return errors.Join(err, l.Close())
	}
	blob := filepath.Join("blobs", "sha256", digest.Hex)
	tests := map[string]func(t *testing.T) error{
		"archive": func(t *testing.T) error {
			file := filepath.Join(t.TempDir(), "archive")
			fifo(t, file)
			return resolve("oci-archive:" + file)
		},
		"layout": func(t *testing.T) error {
			dir := filepath.Join(t.TempDir(), "layout")
			fifo(t, dir)
			return resolve("oci:" + dir)
		},
		"index": func(t *testing.T) error {
			dir := copied(t)
			fifo(t, dir+"/index.json")
			return resolve("oci:" + dir)
		},
		"manifest": func(t *testing.T) error {
			dir := copied(t)
			fifo(t, filepath.Join(dir, blob))
			return resolve("oci:" + dir)
		},
		"marker of a layout of ours": func(t *testing.T) error {
			dir := copied(t)
			fifo(t, dir+"/oci-layout")
			_, err := oci.OpenLayout(dir)
			return err
		},
		"blob of a layout of ours": func(t *testing.T) error {
			dir := copied(t)
			l, err := oci.OpenLayout(dir)
			if err != nil {
				t.Fatal(err)
			}
			fifo(t, filepath.Join(dir, blob))
			_, err = l.OpenUnchecked(oci.Layer{Digest: digest})
			return err
		},
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { done <- open(t) }()
			select {
			case err := <-done:
				var kind *safeopen.KindError
				if !errors.As(err, &kind) {
					t.Errorf("%v, want that it is a FIFO", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("it waits for the FIFO")
			}
		})
	}
}
