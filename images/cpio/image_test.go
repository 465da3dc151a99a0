package cpio_test

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/oci"
)

// layer is a tar of entries; a file's content is its link name.
func layer(t *testing.T, entries ...tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		var content string
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname, h.Size = h.Linkname, "", int64(len(h.Linkname))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func image(t *testing.T, layers ...*bytes.Buffer) v1.Image {
	t.Helper()
	layout, err := oci.OpenLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := oci.ImageOptions{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
	for _, b := range layers {
		l, err := layout.WriteLayer(t.Context(), b, oci.LayerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		o.Layers = append(o.Layers, l.Ref("test"))
	}
	digest, err := layout.WriteImage(o)
	if err != nil {
		t.Fatal(err)
	}
	img, err := layout.Image(digest)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A higher layer covers a lower one, as with busybox and the full tools.
func TestFromImage(t *testing.T) {
	lower := layer(t,
		tar.Header{Name: "usr/bin/sh", Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777},
		tar.Header{Name: "usr/bin/busybox", Typeflag: tar.TypeReg, Linkname: "tools", Mode: 0o755},
		tar.Header{Name: "usr/bin/again", Typeflag: tar.TypeLink, Linkname: "usr/bin/busybox"},
		tar.Header{Name: "root", Typeflag: tar.TypeDir, Mode: 0o700},
	)
	upper := layer(t,
		tar.Header{Name: "usr/bin/sh", Typeflag: tar.TypeReg, Linkname: "shell", Mode: 0o755, Uid: 7, Gid: 8},
		tar.Header{Name: "dev/console", Typeflag: tar.TypeChar, Devmajor: 5, Devminor: 1, Mode: 0o600},
	)
	tree, err := cpio.FromImage(image(t, lower, upper))
	if err != nil {
		t.Fatal(err)
	}
	const want = `dev 40755 0:0 links 2 device 0,0 ""
dev/console 20600 0:0 links 1 device 5,1 ""
root 40700 0:0 links 2 device 0,0 ""
usr 40755 0:0 links 2 device 0,0 ""
usr/bin 40755 0:0 links 2 device 0,0 ""
usr/bin/again 100755 0:0 links 2 device 0,0 ""
usr/bin/busybox 100755 0:0 links 2 device 0,0 "tools"
usr/bin/sh 100755 7:8 links 1 device 0,0 "shell"
`
	if got := list(t, write(t, tree)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFromImageRefusesDirectoryOverFile(t *testing.T) {
	_, err := cpio.FromImage(image(t,
		layer(t, tar.Header{Name: "etc/x", Typeflag: tar.TypeReg, Linkname: "text", Mode: 0o644}),
		layer(t, tar.Header{Name: "etc/x", Typeflag: tar.TypeDir, Mode: 0o755}),
	))
	if err == nil || !strings.HasPrefix(err.Error(), "reading layer 1 of the image: etc/x is a directory") {
		t.Errorf("got %v", err)
	}
}
