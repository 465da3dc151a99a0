package oci_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/oci"
)

// A full disk is an error, and what was written until then is given back.
func TestWriteLayerFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a mount wants root")
	}
	noise := make([]byte, 768<<10)
	rand.NewChaCha8([32]byte{3}).Read(noise)
	tests := []struct {
		name string
		size string
	}{
		{"for the spool", "size=512k"},
		{"for the blob", "size=1m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, tt.size); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
			l, err := oci.OpenLayout(dir)
			if err != nil {
				t.Fatal(err)
			}
			in := bytes.NewReader(pack(t, file("noise", string(noise))))
			if _, err := l.WriteLayer(t.Context(), in, oci.LayerOptions{}); !errors.Is(err, unix.ENOSPC) {
				t.Errorf("error %v, want %v", err, unix.ENOSPC)
			}
			wantClean(t, l)
			writeImage(t, l, options(writeLayer(t, l, file("small", "x"))))
		})
	}
}
