package packages_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

const key, otherKey = "1111111111111111111111111111111111111111111111111111111111111111", "2222222222222222222222222222222222222222222222222222222222222222"

func openLayout(t *testing.T) *oci.Layout {
	t.Helper()
	l, err := oci.OpenLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// layer writes a layer with one file, or none.
func layer(t *testing.T, l *oci.Layout, name string) oci.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if name != "" {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	made, err := l.WriteLayer(context.Background(), &b, oci.LayerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func made(t *testing.T, l *oci.Layout) packages.Made {
	return packages.Made{
		Key: key, Name: "hello", Version: "1.0", Platform: v1.Platform{OS: "linux", Architecture: "amd64"},
		Layers: map[packages.Output]oci.Layer{
			packages.Root: layer(t, l, "usr/bin/hello"), packages.Dev: layer(t, l, "usr/include/hello.h"), packages.Tools: layer(t, l, ""),
		},
	}
}

// published is a place with the package hello, and the layout that it came from.
func published(t *testing.T) (packages.Place, *oci.Layout) {
	t.Helper()
	from := openLayout(t)
	ref, err := packages.ParsePlace("oci:" + t.TempDir() + "/place")
	if err != nil {
		t.Fatal(err)
	}
	place := packages.Place{Ref: ref, Policy: trust.Unverified}
	if err := place.Publish(t.Context(), from, made(t, from), nil); err != nil {
		t.Fatal(err)
	}
	return place, from
}

func TestTake(t *testing.T) {
	place, _ := published(t)
	for k, want := range map[string]bool{key: true, otherKey: false} {
		if _, has, err := place.Look(t.Context(), k); err != nil || has != want {
			t.Errorf("has %.4s: %t, %v; want %t", k, has, err, want)
		}
	}
	to := openLayout(t)
	p, got, err := place.Take(t.Context(), to, "hello", key, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Entries) == 0 || got.Entries[len(got.Entries)-1].Path != "usr/bin/hello" {
		t.Errorf("its layer holds %v", got.Entries)
	}
	if _, tools := p.Images[packages.Tools]; p.Version != "1.0" || tools || len(p.Images) != 2 {
		t.Errorf("got %+v, want hello 1.0 with root and dev", p)
	}
	if _, err := to.Image(p.Images[packages.Dev]); err == nil {
		t.Error("the output dev came unasked")
	}
	if err := place.Bring(t.Context(), to, p, packages.Dev); err != nil {
		t.Error(err)
	}
	if _, err := to.Image(p.Images[packages.Dev]); err != nil {
		t.Error(err)
	}
}

func TestTakeRefused(t *testing.T) {
	place, from := published(t)
	p, _, err := place.Take(t.Context(), openLayout(t), "hello", key, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	// Somebody who can write there gives a package the name of another key.
	to := oci.Destination{Format: oci.FormatLayout, Path: place.Ref.Dir()}
	if err := from.Export(t.Context(), p.Images[packages.Root], to, otherKey); err != nil {
		t.Fatal(err)
	}
	damaged, half := spoilt(t, func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte{0}, size(t, file)), 0o600) }), spoilt(t, os.Remove)
	signed := place
	signed.Policy = trust.Policy{Name: "policy.yaml"}
	for name, test := range map[string]struct {
		place     packages.Place
		name, key string
		epoch     time.Time
		want      string
	}{
		"another key":  {place, "hello", otherKey, time.Time{}, "it says that it is the package with key"},
		"another name": {place, "goodbye", key, time.Time{}, `it says that it is package "hello"`},
		"other bytes":  {place, "hello", key, time.Unix(1, 0), "rootbuild did not write it"},
		"damaged":      {damaged, "hello", key, time.Time{}, "its bytes have digest"},
		"half":         {half, "hello", key, time.Time{}, "no such file"},
		"nobody":       {signed, "hello", key, time.Time{}, "not trusted by policy policy.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := test.place.Take(t.Context(), openLayout(t), test.name, test.key, test.epoch)
			var refused *packages.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a RefusedError with %q", err, test.want)
			}
		})
	}
}

// spoilt is a place where the layer of the package is spoilt.
func spoilt(t *testing.T, spoil func(file string) error) packages.Place {
	t.Helper()
	place, from := published(t)
	l := layer(t, from, "usr/bin/hello")
	if err := spoil(filepath.Join(place.Ref.Dir(), "blobs", "sha256", l.Digest.Hex)); err != nil {
		t.Fatal(err)
	}
	return place
}

func size(t *testing.T, file string) int {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}

func TestParsePlace(t *testing.T) {
	for text, right := range map[string]bool{
		"registry.example.org/packages": true, "localhost:5000/a/b": true, "oci:/srv/packages": true,
		"registry.example.org/packages:1": false, "packages": false,
		"oci-archive:/srv/packages.tar": true, "docker-archive:/srv/packages.tar": false, "registry.example.org/packages@sha256:" + key: false,
	} {
		ref, err := packages.ParsePlace(text)
		if (err == nil) != right {
			t.Errorf("%s: got %v", text, err)
		}
		if got := (packages.Place{Ref: ref}).String(); right && got != text {
			t.Errorf("%s: it is called %s", text, got)
		}
	}
}

func TestTakeByContent(t *testing.T) {
	place, from := published(t)
	m := made(t, from)
	m.Key, m.Content = otherKey, "cafe"
	if err := place.Publish(t.Context(), from, m, nil); err != nil {
		t.Fatal(err)
	}
	p, _, err := place.Take(t.Context(), openLayout(t), "hello", packages.ByContent("cafe"), time.Time{})
	if err != nil || p.Key != otherKey {
		t.Fatalf("got %+v, %v, want the package with key %.4s", p, err, otherKey)
	}
	// Somebody who can write there gives a package the name of another content.
	to := oci.Destination{Format: oci.FormatLayout, Path: place.Ref.Dir()}
	if err := from.Export(t.Context(), p.Images[packages.Root], to, packages.ByContent("beef")); err != nil {
		t.Fatal(err)
	}
	var refused *packages.RefusedError
	if _, _, err = place.Take(t.Context(), openLayout(t), "hello", packages.ByContent("beef"), time.Time{}); !errors.As(err, &refused) {
		t.Errorf("got %v, want a RefusedError", err)
	}
}

// The headers are those whose layer the signed root names.
func TestBringRefused(t *testing.T) {
	place, _ := published(t)
	to := openLayout(t)
	p, _, err := place.Take(t.Context(), to, "hello", key, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	p.Images[packages.Dev] = p.Images[packages.Root]
	var refused *packages.RefusedError
	if err := place.Bring(t.Context(), to, p, packages.Dev); !errors.As(err, &refused) || !strings.Contains(err.Error(), "has not the one layer") {
		t.Errorf("got %v, want a RefusedError", err)
	}
}

func TestCompare(t *testing.T) {
	place, from := published(t)
	there, _, err := place.Look(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	here := made(t, from)
	here.Layers[packages.Root] = layer(t, from, "usr/bin/goodbye")
	here.Layers[packages.Dev] = layer(t, from, "")
	for o, want := range map[packages.Output][]string{
		packages.Root: {"root of hello 1.0: /usr/bin/hello: missing", "root of hello 1.0: /usr/bin/goodbye: added"},
		packages.Dev:  {"dev of hello 1.0: missing"},
	} {
		found, err := place.Compare(t.Context(), from, there, here, o)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(found)
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%s: got %s, want %q", o, text, line)
			}
		}
	}
}

// An archive that is written again holds what it held.
func TestEdit(t *testing.T) {
	from := openLayout(t)
	file := filepath.Join(t.TempDir(), "packages.tar")
	ref, err := packages.ParsePlace("oci-archive:" + file)
	if err != nil {
		t.Fatal(err)
	}
	archive := packages.Place{Ref: ref, Policy: trust.Unverified}
	for _, k := range []string{key, otherKey} {
		m := made(t, from)
		m.Key = k
		err := archive.Edit(t.Context(), func(to packages.Place) error { return to.Publish(t.Context(), from, m, nil) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []string{key, otherKey} {
		if _, _, err := archive.Take(t.Context(), openLayout(t), "hello", k, time.Time{}); err != nil {
			t.Error(err)
		}
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	err = archive.Edit(t.Context(), func(packages.Place) error { return nil })
	if after, statErr := os.Stat(file); err != nil || statErr != nil || !os.SameFile(before, after) {
		t.Errorf("got %v, %v, and want the archive as it was where nothing was sent", err, statErr)
	}
	err = archive.Edit(t.Context(), func(packages.Place) error { return errors.New("no") })
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err == nil || len(left) > 0 {
		t.Errorf("got %v, and left %v", err, left)
	}
}

// A package that is too large is refused before it moves, or before all of it is unpacked.
func TestTakeTooLarge(t *testing.T) {
	place, _ := published(t)
	for name, test := range map[string]struct {
		packed, unpacked int64
		want             string
	}{
		"packed":   {10, 1 << 20, "and a package at most 10"},
		"unpacked": {1 << 20, 10, "unpacks to more than 10 bytes"},
	} {
		packages.Bound(t, test.packed, test.unpacked)
		to := openLayout(t)
		_, _, err := place.Take(t.Context(), to, "hello", key, time.Time{})
		var refused *packages.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want a RefusedError with %q", name, err, test.want)
		}
		if blobs, _ := filepath.Glob(filepath.Join(to.Dir(), "blobs/sha256/*")); name == "packed" && len(blobs) > 0 {
			t.Errorf("it moved: %v", blobs)
		}
	}
}
