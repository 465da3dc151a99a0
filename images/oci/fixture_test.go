package oci_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

var epoch = time.Date(2026, 11, 22, 10, 20, 30, 0, time.UTC)

// member is an entry of a tar stream that goes into a test.
type member struct {
	tar.Header
	content string
}

func file(name, content string) member {
	return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content}
}

func dir(name string) member {
	return member{tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}, ""}
}

func link(typ byte, name, to string) member {
	return member{tar.Header{Typeflag: typ, Name: name, Linkname: to, Mode: 0o777}, ""}
}

// pack writes members as a tar, with times and names that a layer must drop.
func pack(t testing.TB, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i, m := range members {
		h := m.Header
		h.Size = int64(len(m.content))
		h.ModTime = epoch.Add(time.Duration(i+1) * time.Hour)
		h.AccessTime = h.ModTime
		h.Uname, h.Gname = "builder", "staff"
		h.Format = tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func writeLayer(t testing.TB, l *oci.Layout, members ...member) oci.Layer {
	t.Helper()
	layer, err := l.WriteLayer(t.Context(), bytes.NewReader(pack(t, members...)), oci.LayerOptions{Epoch: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// options describes a small image of the layers.
func options(layers ...oci.Layer) oci.ImageOptions {
	o := oci.ImageOptions{
		Platform:    v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"},
		Epoch:       epoch,
		Annotations: map[string]string{"org.opencontainers.image.title": "test", "org.opencontainers.image.created": "2026-11-22T10:20:30Z"},
		Labels:      map[string]string{"b": "<2>", "a": "1"},
		Env:         []string{"PATH=/usr/bin"},
		Cmd:         []string{"/bin/sh"},
		Ref:         "test:1",
	}
	for i, l := range layers {
		o.Layers = append(o.Layers, l.Ref(fmt.Sprintf("package %d", i)))
	}
	return o
}

func writeImage(t testing.TB, l *oci.Layout, o oci.ImageOptions) v1.Hash {
	t.Helper()
	h, err := l.WriteImage(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// packed is an entry of a layer as it is on disk.
type packed struct {
	tar.Header
	content string
}

// unpack returns the entries of the layer's tar in their order.
func unpack(t testing.TB, l *oci.Layout, layer oci.Layer) []packed {
	t.Helper()
	o := options(layer)
	o.Ref = ""
	img, err := l.Image(writeImage(t, l, o))
	if err != nil {
		t.Fatal(err)
	}
	r, err := oci.OpenLayer(img, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var list []packed
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, packed{*h, string(content)})
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	return list
}

// describe turns an entry into one line of a golden list.
func (p packed) describe() string {
	s := fmt.Sprintf("%c %04o %d:%d %s", p.Typeflag, p.Mode, p.Uid, p.Gid, p.Name)
	switch {
	case p.Linkname != "":
		s += " -> " + p.Linkname
	case p.Typeflag == tar.TypeChar || p.Typeflag == tar.TypeBlock:
		s += fmt.Sprintf(" %d,%d", p.Devmajor, p.Devminor)
	case p.content != "":
		s += " = " + p.content
	}
	if c := p.PAXRecords["SCHILY.xattr.security.capability"]; c != "" {
		s += fmt.Sprintf(" cap %q", c)
	}
	return s
}
