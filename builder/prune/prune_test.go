package prune_test

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/prune"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

// pruned is a state to prune, in which nothing was built.
type pruned struct {
	*state.State
	dir    string
	layout *oci.Layout
}

func newPruned(t *testing.T) pruned {
	t.Helper()
	dir := t.TempDir()
	s, err := state.Open(dir, "the test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	layout, err := oci.OpenLayout(s.Images())
	if err != nil {
		t.Fatal(err)
	}
	return pruned{s, dir, layout}
}

// age makes a path older than the grace of the tests.
func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	past := time.Now().Add(-by)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
}

const (
	grace = 24 * time.Hour
	old   = 48 * time.Hour
)

// write writes files of the state, and makes all below their first two directories old.
func (p pruned) write(t *testing.T, files ...string) {
	t.Helper()
	for _, name := range files {
		path := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		for ; path != p.dir; path = filepath.Dir(path) {
			age(t, path, old)
		}
	}
}

func (p pruned) prune(t *testing.T, o prune.Options) prune.Pruned {
	t.Helper()
	o.Grace, o.Keep = grace, max(o.Keep, 1)
	got, err := prune.Run(t.Context(), p.State, o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// image writes one of a target with a layer of its own, built some time ago.
func (p pruned) image(t *testing.T, target, content string, ago time.Duration) v1.Hash {
	t.Helper()
	layer, err := p.layout.WriteLayer(t.Context(), bytes.NewReader(oneFile(t, content)), oci.LayerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.layout.WriteImage(oci.ImageOptions{
		Layers: []oci.LayerRef{layer.Ref("it")}, Platform: v1.Platform{OS: "linux", Architecture: "amd64"},
		Annotations: map[string]string{"org.opencontainers.image.title": target}, Ref: target,
	})
	if err != nil {
		t.Fatal(err)
	}
	age(t, p.layout.BlobPath(h), ago)
	age(t, p.layout.BlobPath(layer.Digest), ago)
	return h
}

// Of a target that was built within the grace the newest images stay, and the one that
// has its name before all. Of another one those of node roots do.
func TestPruneGenerations(t *testing.T) {
	p := newPruned(t)
	again := p.image(t, "site", "again", 3*old)
	first := p.image(t, "site", "first", 4*old)
	second := p.image(t, "site", "second", 0)
	p.image(t, "site", "again", 3*old)
	rooted := p.image(t, "other", "rooted", old)
	other := p.image(t, "other", "newer", old)
	images := map[v1.Hash]string{again: "again", first: "first", second: "second", rooted: "rooted", other: "other"}

	o := prune.Options{Keep: 1, Roots: map[string]v1.Hash{"tag": rooted}}
	got := p.prune(t, o)
	want := map[string]string{
		"again": "keep: generation: 1 of 1; grace", "second": "delete: beyond --keep 1", "first": "delete: beyond --keep 1", "rooted": "keep: node root: tag",
		"other": "delete: its target is not embedded, not named, and was not built within the grace",
	}
	have := map[string]string{}
	for _, i := range got.Items {
		if i.Kind == "image" {
			h, err := v1.NewHash(i.Digest)
			if err != nil {
				t.Fatal(err)
			}
			have[images[h]] = string(i.Action) + ": " + i.Why
		}
	}
	for name, text := range want {
		if !strings.HasPrefix(have[name], text) {
			t.Errorf("%s: %q, want %q", name, have[name], text)
		}
	}
	for h := range images {
		if _, err := p.layout.Image(h); err != nil {
			t.Errorf("it was only to look: %v", err)
		}
	}

	o.Yes = true
	p.prune(t, o)
	for h, name := range images {
		_, err := p.layout.Image(h)
		if stays := strings.HasPrefix(want[name], "keep"); stays != (err == nil) {
			t.Errorf("%s: %v, want that it stays: %v", name, err, stays)
		}
	}
}

// What is of other builders, kernels, boots and killed runs goes with its age, and a
// boot that runs keeps its files.
func TestPruneFiles(t *testing.T) {
	p := newPruned(t)
	step := strings.Repeat("0", 64) + ".json"
	kernel := "kernels/" + sources.DefaultKernel.Version + "/vmlinuz"
	goes := []string{
		"builders/remote/log", "records/steps-remote/" + step, "records/steps-gone/" + step,
		"records/layers/" + step, "records/leaks-0/" + step, "records/taken/" + step, "records/made/" + step,
		"kernels/1.0/vmlinuz", "kernels/1.0.half/vmlinuz", "boots/gone-1/initramfs", "boots/gone-1.log",
		"distfiles/partial/x.part", "images/partial/" + strings.Repeat("0", 64), "reproduce/images/index.json",
	}
	stays := []string{
		"builders/contained/containerd-overlayfs/db", kernel, "boots/there-1.log", "boots/runs-1.log",
		"records/later/" + step, "buildkit/cache.db",
	}
	p.write(t, append(goes, stays...)...)
	young := "distfiles/partial/young.part"
	if err := os.WriteFile(filepath.Join(p.dir, young), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// One that nothing names may be of a build that broke off.
	layer, err := p.layout.WriteLayer(t.Context(), bytes.NewReader(oneFile(t, "x")), oci.LayerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Acquire(filepath.Join(p.dir, "boots/runs-1.lock"), "a boot")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	got := p.prune(t, prune.Options{Yes: true, Roots: map[string]v1.Hash{"there-1": {}}})
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "(a boot)") {
		t.Errorf("notes %q, want that a boot runs", got.Notes)
	}
	for _, name := range goes {
		if _, err := os.Stat(filepath.Join(p.dir, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range append(stays, young, strings.TrimPrefix(p.layout.BlobPath(layer.Digest), p.dir+"/")) {
		if _, err := os.Stat(filepath.Join(p.dir, name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
	age(t, p.layout.BlobPath(layer.Digest), old)
	p.prune(t, prune.Options{Yes: true})
	if p.layout.Has(layer.Digest) {
		t.Error("a layer of nothing is there after the grace")
	}
}

// To look changes nothing but the lock.
func TestPruneLooks(t *testing.T) {
	p := newPruned(t)
	p.image(t, "site", "x", old)
	p.write(t, "boots/gone-1.log", "distfiles/partial/x.part", "reproduce/images/index.json", "kernels/1.0/vmlinuz")
	p.prune(t, prune.Options{}) // makes the directories that are missing
	before := listState(t, p.dir)
	if got := p.prune(t, prune.Options{}); got.Done || got.Bytes == 0 {
		t.Errorf("got %+v, want that there is something to do, and that nothing was done", got)
	}
	if diff := cmp.Diff(before, listState(t, p.dir)); diff != "" {
		t.Errorf("what is there changed:\n%s", diff)
	}
}

func listState(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		list[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// oneFile is a tar of a file.
func oneFile(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "file", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
