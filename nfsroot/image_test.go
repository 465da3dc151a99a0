package nfsroot_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"io"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/rootbuild/rootbuild/nfsroot"
)

var (
	epoch   = time.Unix(1_700_000_000, 0)
	written = time.Unix(1_600_000_000, 123_000_000)
)

// entry is a tar entry with its content.
type entry struct {
	tar.Header
	body string
}

func file(name, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, body}
}

func dir(name string, mode int64) entry {
	return entry{tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, ""}
}

func symlink(name, target string) entry {
	return entry{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, ""}
}

func hardlink(name, target string) entry {
	return entry{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}, ""}
}

// with changes an entry's header.
func (e entry) with(change func(*tar.Header)) entry {
	change(&e.Header)
	return e
}

// archive returns the tar of a layer.
func archive(layer []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range layer {
		e.Size = int64(len(e.body))
		if e.Typeflag != tar.TypeXGlobalHeader {
			e.Format = tar.FormatPAX
			e.ModTime = cmp.Or(e.ModTime, written)
		}
		if err := w.WriteHeader(&e.Header); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// imageOf makes an image of layers, the lowest first.
func imageOf(layers [][]entry, o ...tarball.LayerOption) (v1.Image, error) {
	var all []v1.Layer
	for _, l := range layers {
		data, err := archive(l)
		if err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		}, o...)
		if err != nil {
			return nil, err
		}
		all = append(all, layer)
	}
	img, err := mutate.AppendLayers(empty.Image, all...)
	if err != nil {
		return nil, err
	}
	return mutate.CreatedAt(img, v1.Time{Time: epoch})
}

func image(t testing.TB, layers ...[]entry) v1.Image {
	t.Helper()
	img, err := imageOf(layers)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func open(t testing.TB, dir string) *nfsroot.Store {
	t.Helper()
	s, err := nfsroot.Open(dir, nfsroot.Options{Command: "test", User: "tester", Host: "test.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustUnpack(t testing.TB, s *nfsroot.Store, tag string, img v1.Image) nfsroot.Root {
	t.Helper()
	r, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: tag})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func switchTo(t testing.TB, s *nfsroot.Store, tag string) {
	t.Helper()
	if err := s.Switch(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
}
