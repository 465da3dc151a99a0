package nfsroot_test

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// surroundings is a directory with a store in it and files that a hostile
// layer may want: beside the store, and another root in it.
func surroundings(t testing.TB) (outer string, s *nfsroot.Store) {
	t.Helper()
	outer = t.TempDir()
	if err := os.WriteFile(filepath.Join(outer, "victim"), []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, filepath.Join(outer, "store"))
	mustUnpack(t, s, "good", image(t, []entry{file("victim", "untouched")}))
	switchTo(t, s, "good")
	return outer, s
}

// around describes all below outer but the contents of staging, with the times.
func around(t testing.TB, outer string) map[string]string {
	t.Helper()
	tree := treeOf(t, outer)
	for name, when := range timesOf(t, outer) {
		if filepath.Base(name) != "staging" {
			tree[name] += " " + when.UTC().Format(time.RFC3339Nano)
		}
	}
	return tree
}

// wantRefused fails unless the image is refused with a text, and nothing that
// surrounds its root is touched.
func wantRefused(t *testing.T, s *nfsroot.Store, outer string, img v1.Image, refuse unpack.Refusal, want string) {
	t.Helper()
	before := around(t, outer)
	_, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: fmt.Sprintf("bad-%d", len(before)), Refuse: refuse})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
	equal(t, "what surrounds the root", around(t, outer), before)
}

// Layers that any tar program could have written, and that lead out of the root
// or mean what no root can hold.
func TestHostileLayers(t *testing.T) {
	// From a staged root, the store is three up and victim four.
	const up = "../../../../"
	typed := func(e entry, typ byte) entry { return e.with(func(h *tar.Header) { h.Typeflag = typ }) }
	deep := func(n int, name string) string { return strings.Repeat("d/", n) + name }
	tests := []struct {
		name  string
		layer func(outer string) []entry
		want  string
	}{
		{"dotdot", func(string) []entry { return []entry{file(up+"victim", "x")} }, `".."`},
		{"dotdot inside a name", func(string) []entry { return []entry{dir("a", 0o755), file("a/../../victim", "x")} }, `".."`},
		{"dotdot directory", func(string) []entry { return []entry{dir("..", 0o777)} }, `".."`},
		{"dotdot after a slash", func(string) []entry { return []entry{file("/"+up+"victim", "x")} }, `".."`},
		{"write through an absolute symlink", func(outer string) []entry { return []entry{symlink("l", outer), file("l/victim", "x")} }, "absolute"},
		{"write through a relative symlink", func(string) []entry { return []entry{symlink("l", up), file("l/victim", "x")} }, "outside the root"},
		{"write through a chain of symlinks", func(string) []entry {
			return []entry{dir("a/b", 0o755), symlink("a/b/up", "../.."), symlink("l", "a/b/up/.."), file("l/good/victim", "x")}
		}, "outside the root"},
		{"directory through a symlink", func(string) []entry { return []entry{symlink("l", up), dir("l/new", 0o755)} }, "outside the root"},
		{"symlink through a symlink", func(string) []entry { return []entry{symlink("l", up), symlink("l/new", "x")} }, "outside the root"},
		{"symlinks in a circle", func(string) []entry { return []entry{symlink("l", "m"), symlink("m", "l"), file("l/x", "x")} }, "too many"},
		{"hard link up", func(string) []entry { return []entry{hardlink("l", up+"victim"), file("l", "x")} }, `".."`},
		{"hard link to a file of the master", func(outer string) []entry { return []entry{hardlink("l", outer+"/victim")} }, "file does not exist"},
		{"hard link up after a slash", func(string) []entry { return []entry{hardlink("l", "/"+up+"victim")} }, `".."`},
		{"hard link through a symlink", func(string) []entry { return []entry{symlink("s", up), hardlink("l", "s/victim")} }, "outside the root"},
		{"hard link to what is missing", func(string) []entry { return []entry{hardlink("l", "none")} }, "not a file"},
		{"hard link to a directory", func(string) []entry { return []entry{dir("d", 0o755), hardlink("l", "d")} }, "not a file"},
		{"hard link to itself", func(string) []entry { return []entry{file("l", "1"), hardlink("l", "l")} }, "itself"},
		{"hard link over its target", func(string) []entry { return []entry{file("d/x", "1"), hardlink("d", "d/x")} }, "replaces"},
		{"whiteout of dotdot", func(string) []entry { return []entry{file(".wh...", "")} }, "whiteout"},
		{"whiteout of dot", func(string) []entry { return []entry{file("d/.wh..", "")} }, "whiteout"},
		{"whiteout of nothing", func(string) []entry { return []entry{file(".wh.", "")} }, "whiteout"},
		{"whiteout through a symlink", func(string) []entry { return []entry{symlink("l", up), file("l/.wh.victim", "")} }, "outside the root"},
		{"opaque through a symlink", func(string) []entry { return []entry{symlink("l", up), file("l/.wh..wh..opq", "")} }, "outside the root"},
		{"below a whiteout", func(string) []entry { return []entry{file("a/.wh.b/c", "")} }, "whiteout"},
		{"below a file", func(string) []entry { return []entry{file("a", "1"), file("a/b", "2")} }, "not a directory"},
		{"root as a symlink", func(outer string) []entry { return []entry{symlink(".", outer)} }, "root is not a directory"},
		{"unknown type", func(string) []entry { return []entry{typed(file("a", ""), 'Z')} }, "type"},
		{"owner that wraps round", func(string) []entry {
			return []entry{file("a", "1").with(func(h *tar.Header) { h.Uid = 1 << 32 })}
		}, "out of range"},
		{"owner that is not set", func(string) []entry {
			return []entry{file("a", "1").with(func(h *tar.Header) { h.Gid = 1<<32 - 1 })}
		}, "out of range"},
		{"name too long", func(string) []entry { return []entry{file(strings.Repeat("n", 256), "")} }, "too long"},
		{"a symlink named //", func(string) []entry { return []entry{symlink("//", "x")} }, "root is not a directory"},
		{"a file named .", func(string) []entry { return []entry{file(".", "x")} }, "root is not a directory"},
		{"a symlink named ./.", func(outer string) []entry { return []entry{symlink("./.", outer)} }, "root is not a directory"},
		{"no name", func(string) []entry { return []entry{file("", "x")} }, "empty"},
		{"file for a directory, then below it", func(string) []entry { return []entry{dir("d", 0o755), file("d", "1"), file("d/x", "2")} }, "not a directory"},
		{"symlink for a directory, then below it", func(string) []entry { return []entry{file("d/victim", "1"), symlink("d", up), file("d/victim", "2")} }, "outside the root"},
		{"symlink for a file, then through it", func(string) []entry {
			return []entry{file("d/x", "1"), symlink("d/x", "../"+up), file("d/x/victim", "2")}
		}, "outside the root"},
		{"hard link to a symlink, then through it", func(string) []entry { return []entry{symlink("s", up), hardlink("l", "s"), file("l/victim", "x")} }, "outside the root"},
		{"hard link below a directory that became a symlink", func(string) []entry {
			return []entry{file("d/victim", "1"), symlink("d", up), hardlink("l", "d/victim")}
		}, "outside the root"},
		{"hard link to a later entry", func(string) []entry { return []entry{hardlink("l", "later"), file("later", "1")} }, "not a file"},
		{"hard link to what became a directory", func(string) []entry { return []entry{file("a", "1"), dir("a", 0o755), hardlink("l", "a")} }, "not a file"},
		{"hard link to a whiteout", func(string) []entry { return []entry{hardlink("l", ".wh.a")} }, "not a file"},
		{"hard link with .. inside", func(string) []entry { return []entry{hardlink("l", "a/../../"+up+"victim")} }, `".."`},
		{"hard link to the root", func(string) []entry { return []entry{hardlink("l", ".")} }, "not a file"},
		{"41 symlinks", func(string) []entry {
			layer := []entry{dir("s41", 0o755)}
			for i := range 41 {
				layer = append(layer, symlink(fmt.Sprintf("s%d", i), fmt.Sprintf("s%d", i+1)))
			}
			return append(layer, file("s0/x", ""))
		}, "too many"},
		{"symlink to nothing", func(string) []entry { return []entry{symlink("l", "")} }, "no such file"},
		{"symlink that is too long", func(string) []entry { return []entry{symlink("l", strings.Repeat("l", 4096))} }, "too long"},
		{"whiteout below a file", func(string) []entry { return []entry{file("a", "1"), file("a/.wh.b", "")} }, "not a directory"},
		{"opaque whiteout of a file", func(string) []entry { return []entry{file("a", "1"), file("a/.wh..wh..opq", "")} }, "not a directory"},
		{"below an opaque whiteout", func(string) []entry { return []entry{file(".wh..wh..opq/x", "")} }, "whiteout"},
		{"path of 8000 bytes", func(string) []entry { return []entry{file(strings.Repeat("n/", 4000)+"n", "")} }, "too long"},
		{"path of 100,000 directories", func(string) []entry { return []entry{file(deep(100_000, "x"), "")} }, "too long"},
		{"path of 300 directories", func(string) []entry { return []entry{file(deep(300, "x"), "")} }, "more than 256 directories"},
		{"path of 300 directories by way of a symlink", func(string) []entry {
			return []entry{dir(deep(200, "e"), 0o755), symlink("s", deep(200, "e")), file("s/"+deep(100, "x"), "")}
		}, "more than 256 directories"},
		{"year 9999", func(string) []entry {
			return []entry{file("a", "").with(func(h *tar.Header) { h.ModTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })}
		}, "time"},
		{"year 1066", func(string) []entry {
			return []entry{file("a", "").with(func(h *tar.Header) { h.ModTime = time.Date(1066, 1, 1, 0, 0, 0, 0, time.UTC) })}
		}, "time"},
	}
	outer, s := surroundings(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// In two layers too: what one made must not help the next.
			layer := test.layer(outer)
			for _, i := range slices.Compact([]int{0, len(layer) / 2, len(layer) - 1}) {
				wantRefused(t, s, outer, image(t, layer[:i], layer[i:]), unpack.Refusal{}, test.want)
			}
		})
	}
}

func TestDamagedBlobs(t *testing.T) {
	files := image(t, []entry{file("a", "1")}, []entry{file("b", strings.Repeat("b", 1<<16))})
	manifest, err := files.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := files.Digest()
	if err != nil {
		t.Fatal(err)
	}
	blobs := map[string]string{"config": manifest.Config.Digest.Hex, "layer": manifest.Layers[1].Digest.Hex}
	damages := map[string]func(path string, data []byte) error{
		"a bit":     func(p string, d []byte) error { d[len(d)/2] ^= 1; return os.WriteFile(p, d, 0o644) },
		"last byte": func(p string, d []byte) error { d[len(d)-1] ^= 1; return os.WriteFile(p, d, 0o644) },
		"short":     func(p string, d []byte) error { return os.WriteFile(p, d[:len(d)-9], 0o644) },
		"long":      func(p string, d []byte) error { return os.WriteFile(p, append(d, ' '), 0o644) },
		"missing":   func(p string, _ []byte) error { return os.Remove(p) },
	}
	for blob, hex := range blobs {
		for damage, do := range damages {
			t.Run(blob+" "+damage, func(t *testing.T) {
				outer, s := surroundings(t)
				before := treeOf(t, outer)
				l, err := layout.Write(t.TempDir(), empty.Index)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.AppendImage(files); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(string(l), "blobs", "sha256", hex)
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := do(path, data); err != nil {
					t.Fatal(err)
				}
				img, err := l.Image(digest)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "bad"}); err == nil {
					t.Error("a damaged image was unpacked")
				}
				equal(t, "what surrounds the root", treeOf(t, outer), before)
			})
		}
	}
}

// Symlinks can make the way to an entry as long as one likes; all ways together are
// bounded.
func TestHostileWays(t *testing.T) {
	layer := []entry{dir("d", 0o755)}
	for i := range 40 {
		layer = append(layer, symlink(fmt.Sprintf("l%d", i), strings.Repeat("d/../", 800)+fmt.Sprintf("l%d", i+1)))
	}
	layer = append(layer, dir("l40", 0o755))
	for i := range 20 {
		layer = append(layer, file(fmt.Sprintf("l1/%d", i), ""))
	}
	outer, s := surroundings(t)
	before := treeOf(t, outer)
	_, err := s.Unpack(t.Context(), image(t, layer), nfsroot.UnpackOptions{Tag: "ways", MaxEntries: 5000})
	if err == nil || !strings.Contains(err.Error(), "lead over more than 250000 names") {
		t.Errorf("error %v", err)
	}
	equal(t, "surroundings", treeOf(t, outer), before)
}
