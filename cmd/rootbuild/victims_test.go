package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/registry/registrytest"
)

// victim is a command that is ended at any moment, in a directory with the
// stores "roots" and "state". Arguments hold DIR for that directory.
type victim struct {
	name  string
	setup [][]string // the commands that lead to where it begins
	args  []string
	again []string // what a user runs next, where that is not the same
	from  string   // what current names before; empty for nothing
	to    string   // and after
	keeps []string // roots that it may not touch
	makes string   // the root that it adds
	takes []string // the roots that it may remove
	boots bool     // whether boot entries have to name what current names
}

// victims are the commands that change what nodes boot, with the images in
// layouts below from, and in a registry.
func victims(from, registry string) []victim {
	store := []string{"--nfsroot", "DIR/roots"}
	nodes := append([]string{"--nfsd-clients", "DIR/none", "--rmtab", "DIR/none"}, store...)
	pull := func(ref, tag string, more ...string) []string {
		return append(append([]string{"pull", ref, "--tag", tag, "--state", "DIR/state", "--progress", "plain"}, store...), more...)
	}
	image := func(name string) string { return "oci:" + filepath.Join(from, name) }
	do := func(verb string, more ...string) []string { return append(append([]string{verb}, more...), store...) }
	one, two, three := pull(image("one"), "one"), pull(image("two"), "two"), pull(image("three"), "three")
	entries := do("entries", "--tftp", "DIR", "--server", "192.0.2.1")
	collect := append([]string{"gc", "--yes", "--keep", "0", "--grace", "0s"}, nodes...)
	return []victim{
		{name: "first pull", args: one, to: "one", makes: "one"},
		{name: "pull from a layout", setup: [][]string{one}, args: two, from: "one", to: "two", keeps: []string{"one"}, makes: "two"},
		{name: "pull from a registry", setup: [][]string{one}, args: pull(registry+"/site:two", "two", "--plain-http"),
			from: "one", to: "two", keeps: []string{"one"}, makes: "two"},
		{name: "pull --link", setup: [][]string{one}, args: pull(image("two"), "two", "--link"), from: "one", to: "two", keeps: []string{"one"}, makes: "two"},
		{name: "switch", setup: [][]string{one, two}, args: do("switch", "one"), from: "two", to: "one", keeps: []string{"one", "two"}},
		{name: "rollback", setup: [][]string{one, two}, args: do("rollback"), again: do("switch", "one"),
			from: "two", to: "one", keeps: []string{"one", "two"}},
		{name: "entries", setup: [][]string{one, two}, args: entries, from: "two", to: "two", keeps: []string{"one", "two"}, boots: true},
		{name: "switch with entries", setup: [][]string{one, two, entries}, args: do("switch", "one"),
			from: "two", to: "one", keeps: []string{"one", "two"}, boots: true},
		{name: "pull with entries", setup: [][]string{one, entries}, args: two, from: "one", to: "two", keeps: []string{"one"}, makes: "two", boots: true},
		{name: "gc --yes", setup: [][]string{one, pull(image("three"), "zero", "--no-switch"), append([]string{"rm", "zero"}, nodes...), two, three},
			args: collect, from: "three", to: "three", keeps: []string{"two", "three"}, takes: []string{"one"}},
	}
}

// fill puts the victim's directory and, of a command line, DIR.
func fill(args []string, dir string) []string {
	var list []string
	for _, a := range args {
		list = append(list, strings.ReplaceAll(a, "DIR", dir))
	}
	return list
}

// prepare makes the directory that the command begins with.
func (v victim) prepare(t *testing.T) string {
	t.Helper()
	// In memory, for thousands of runs would wait for the disk.
	disk := filepath.Join(t.TempDir(), "disk")
	mountTmpfs(t, disk, "64m")
	// Under the name that it has in the runs, for boot entries keep it.
	dir, before := filepath.Join(disk, "run"), filepath.Join(disk, "before")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range v.setup {
		if out, err := exec.Command("rootbuild", fill(args, dir)...).CombinedOutput(); err != nil {
			t.Fatalf("rootbuild %q: %v: %s", args, err, out)
		}
	}
	if err := os.Rename(dir, before); err != nil {
		t.Fatal(err)
	}
	return before
}

// copyOf makes the directory anew for one run.
func copyOf(t *testing.T, before string) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(before), "run")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", before, dir).CombinedOutput(); err != nil {
		t.Fatalf("copying %s: %v: %s", before, err, out)
	}
	return dir
}

// siteImages writes the images one, two and three to layouts below dir, and
// pushes two to a registry, whose address it returns. They share a layer.
func siteImages(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"one", "two", "three"} {
		writeLayout(t, filepath.Join(dir, name), siteImage(t, name))
	}
	address, stop, err := registrytest.Start(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	out, err := exec.Command("rootbuild", "push", "--plain-http", "--progress", "plain", "oci:"+filepath.Join(dir, "two"), address+"/site:two").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return address
}

func writeLayout(t *testing.T, dir string, img v1.Image) {
	t.Helper()
	at, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = at.WriteImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := partial.Descriptor(img)
	if err != nil {
		t.Fatal(err)
	}
	d.ArtifactType = "" // the library takes an image for an artifact
	if err := at.AppendDescriptor(*d); err != nil {
		t.Fatal(err)
	}
}

// netRaw is the capability of a ping, as the kernel keeps it.
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// siteImage has a node of each kind, over two layers of which one is all images'.
func siteImage(t *testing.T, name string) v1.Image {
	t.Helper()
	const large = 300 << 10
	dir := func(n string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: n + "/", Mode: 0o755} }
	shared := []tar.Header{
		dir("usr"), dir("usr/bin"), {Typeflag: tar.TypeReg, Name: "usr/bin/sh", Mode: 0o755, Size: large},
		{Typeflag: tar.TypeLink, Name: "usr/bin/ash", Linkname: "usr/bin/sh"},
		{Typeflag: tar.TypeSymlink, Name: "bin", Linkname: "usr/bin", Mode: 0o777},
		{Typeflag: tar.TypeReg, Name: "gone", Mode: 0o644, Size: 9},
	}
	own := []tar.Header{
		dir("etc"), {Typeflag: tar.TypeReg, Name: "etc/" + name, Mode: 0o600, Size: 1000, Uid: 7, Gid: 8},
		{Typeflag: tar.TypeReg, Name: "usr/bin/ping", Mode: 0o4755, Size: 70 << 10,
			PAXRecords: map[string]string{"SCHILY.xattr.security.capability": netRaw}},
		{Typeflag: tar.TypeReg, Name: ".wh.gone", Mode: 0o644},
		dir("boot"), {Typeflag: tar.TypeReg, Name: "boot/vmlinuz-1", Mode: 0o644, Size: 1000},
		{Typeflag: tar.TypeReg, Name: "boot/initramfs-1.cpio.zst", Mode: 0o644, Size: 1000},
	}
	var layers []v1.Layer
	for i, headers := range [][]tar.Header{shared, own} {
		data := tarOf(t, headers, byte(i)*name[0])
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
			tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	img, err := mutate.ConfigFile(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1),
		&v1.ConfigFile{OS: "linux", Architecture: "amd64"})
	if err == nil {
		img, err = mutate.AppendLayers(img, layers...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// tarOf gives each file bytes that follow from its name and the seed.
func tarOf(t *testing.T, headers []tar.Header, seed byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Format, h.ModTime = tar.FormatPAX, time.Unix(1_600_000_000, 0)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		body := bytes.Repeat(fmt.Appendf(nil, "%s %d\n", h.Name, seed), int(h.Size)/len(h.Name)+1)
		if _, err := w.Write(body[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
