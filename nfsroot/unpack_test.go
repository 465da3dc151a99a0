package nfsroot_test

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

const root = "dir 0755 0:0"

func TestUnpackTree(t *testing.T) {
	owned := func(h *tar.Header) { h.Uid, h.Gid = 12, 34 }
	mode := func(m int64) func(*tar.Header) { return func(h *tar.Header) { h.Mode = m } }
	device := func(typ byte, name string) entry {
		return entry{tar.Header{Typeflag: typ, Name: name, Mode: 0o620, Gid: 5, Devmajor: 8, Devminor: 300}, ""}
	}
	tests := []struct {
		name   string
		layers [][]entry
		want   map[string]string
	}{
		{"empty image", nil, map[string]string{".": root}},
		{"empty layer", [][]entry{{}}, map[string]string{".": root}},
		{"the root's own entry", [][]entry{{dir(".", 0o711).with(owned)}}, map[string]string{".": "dir 0711 12:34"}},
		{"names with and without ./", [][]entry{{file("./a", "1"), file("b", "2")}},
			map[string]string{".": root, "a": `file 0644 0:0 "1"`, "b": `file 0644 0:0 "2"`}},
		{"modes beyond rwx", [][]entry{{
			dir("tmp", 0o1777), dir("mail", 0o2775).with(owned), file("mail/x", "").with(mode(0o6711)).with(owned), dir("mail/d", 0o700),
			file("su", "s").with(mode(0o4755)), file("none", "").with(mode(0)), dir("shut", 0), file("shut/in", "i"),
		}}, map[string]string{
			".": root, "tmp": "dir 1777 0:0", "mail": "dir 2775 12:34", "mail/x": `file 6711 12:34 ""`, "mail/d": "dir 0700 0:0",
			"su": `file 4755 0:0 "s"`, "none": `file 0000 0:0 ""`, "shut": "dir 0000 0:0", "shut/in": `file 0644 0:0 "i"`,
		}},
		{"symlinks", [][]entry{{symlink("abs", "/etc/passwd").with(owned), symlink("up", "../../x"), symlink("loop", "loop")}},
			map[string]string{".": root, "abs": "symlink 12:34 -> /etc/passwd", "up": "symlink 0:0 -> ../../x", "loop": "symlink 0:0 -> loop"}},
		{"devices", [][]entry{{device(tar.TypeChar, "c"), device(tar.TypeBlock, "b"), device(tar.TypeFifo, "f")}},
			map[string]string{".": root, "c": "char 0620 0:5 8,300", "b": "block 0620 0:5 8,300", "f": "fifo 0620 0:5"}},
		{"hard links", [][]entry{{file("a", "1").with(mode(0o4755)), hardlink("d/b", "a"), symlink("s", "a"), hardlink("t", "./s")}},
			map[string]string{".": root, "a": `file 4755 0:0 "1"`, "d": root, "d/b": "same as a", "s": "symlink 0:0 -> a", "t": "same as s"}},
		{"hard link to a lower layer", [][]entry{{file("a", "1")}, {hardlink("b", "a")}},
			map[string]string{".": root, "a": `file 0644 0:0 "1"`, "b": "same as a"}},
		{"file over one of two links", [][]entry{{file("a", "1"), hardlink("b", "a")}, {file("a", "2")}},
			map[string]string{".": root, "a": `file 0644 0:0 "2"`, "b": `file 0644 0:0 "1"`}},
		{"directory over directory", [][]entry{{dir("d", 0o700), file("d/x", "1")}, {dir("d", 0o750).with(owned)}},
			map[string]string{".": root, "d": "dir 0750 12:34", "d/x": `file 0644 0:0 "1"`}},
		{"file over directory", [][]entry{{dir("d/e", 0o700), file("d/e/x", "1")}, {file("d", "2")}},
			map[string]string{".": root, "d": `file 0644 0:0 "2"`}},
		{"directory over file", [][]entry{{file("d", "1")}, {dir("d", 0o700), file("d/x", "2")}},
			map[string]string{".": root, "d": "dir 0700 0:0", "d/x": `file 0644 0:0 "2"`}},
		{"file over symlink", [][]entry{{file("a", "1"), symlink("s", "a")}, {file("s", "2")}},
			map[string]string{".": root, "a": `file 0644 0:0 "1"`, "s": `file 0644 0:0 "2"`}},
		{"directory over symlink", [][]entry{{file("u/a", "1"), symlink("s", "u")}, {dir("s", 0o755), file("s/b", "2")}},
			map[string]string{".": root, "u": root, "u/a": `file 0644 0:0 "1"`, "s": root, "s/b": `file 0644 0:0 "2"`}},
		{"through symlinks that stay inside", [][]entry{{dir("usr/bin", 0o755), symlink("bin", "usr/bin"), symlink("usr/b", "../bin")},
			{file("bin/x", "1"), file("usr/b/y", "2"), hardlink("bin/z", "usr/b/x")}},
			map[string]string{".": root, "usr": root, "usr/bin": root, "bin": "symlink 0:0 -> usr/bin", "usr/b": "symlink 0:0 -> ../bin",
				"usr/bin/x": `file 0644 0:0 "1"`, "usr/bin/y": `file 0644 0:0 "2"`, "usr/bin/z": "same as usr/bin/x"}},
		{"through a symlink to what is missing", [][]entry{{symlink("var/run", "../run")}, {file("var/run/x", "1")}},
			map[string]string{".": root, "var": root, "var/run": "symlink 0:0 -> ../run", "run": root, "run/x": `file 0644 0:0 "1"`}},
		{"a global header", [][]entry{{{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c"}}, ""}}},
			map[string]string{".": root}},
		{"the same name twice", [][]entry{{file("a", "1"), file("a", "2")}}, map[string]string{".": root, "a": `file 0644 0:0 "2"`}},
	}
	defer unix.Umask(unix.Umask(0o077))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			r := mustUnpack(t, s, "r", image(t, test.layers...))
			equal(t, "tree", treeOf(t, s.Path("r")), test.want)
			if r.Files != len(test.want) {
				t.Errorf("Files = %d, want %d", r.Files, len(test.want))
			}
		})
	}
}

func TestUnpackTimes(t *testing.T) {
	later := written.Add(time.Hour)
	at := func(when time.Time) func(*tar.Header) { return func(h *tar.Header) { h.ModTime = when } }
	s := open(t, t.TempDir())
	mustUnpack(t, s, "r", image(t,
		[]entry{dir("d", 0o755), file("d/x", "1"), symlink("s", "d"), dir("e", 0o755), file("implied/x", ""), hardlink("d/y", "d/x")},
		[]entry{file("d/x", "2").with(at(later)), dir("e", 0o700).with(at(later)), file("implied/.wh.x", ""), file("s/z", "")},
	))
	equal(t, "times", timesOf(t, s.Path("r")), map[string]time.Time{
		".": epoch, "d": written, "d/x": later, "d/y": written, "d/z": written, "s": written, "e": later, "implied": epoch,
	})
}

func TestUnpackCapability(t *testing.T) {
	// Version 2, effective, cap_net_raw permitted: what ping carries.
	capability := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	s := open(t, t.TempDir())
	mustUnpack(t, s, "r", image(t, []entry{file("ping", "p").with(func(h *tar.Header) {
		h.Mode, h.Uid = 0o4755, 7
		h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": capability}
	})}))
	got := make([]byte, 64)
	n, err := unix.Lgetxattr(filepath.Join(s.Path("r"), "ping"), "security.capability", got)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "security.capability", string(got[:n]), capability)
	equal(t, "file", treeOf(t, s.Path("r"))["ping"], `file 4755 7:0 "p"`)
}

func TestUnpackRecord(t *testing.T) {
	s := open(t, t.TempDir())
	img := image(t, []entry{file("a", "12345"), hardlink("b", "a")}, []entry{file("c", "678"), file("d", "9")}, []entry{file(".wh.d", "")})
	r, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "r", Ref: "example.org/r:1", Target: "small"})
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := img.Digest()
	if r.Created.Before(time.Now().Add(-time.Hour)) {
		t.Errorf("Created = %v", r.Created)
	}
	equal(t, "root", r, nfsroot.Root{Tag: "r", Digest: digest, Ref: "example.org/r:1", Target: "small", Created: r.Created, Size: 8, Files: 4, Inventory: r.Inventory})
	listed, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "list", listed, []nfsroot.Root{r})
}

func TestUnpackSameTag(t *testing.T) {
	s := open(t, t.TempDir())
	img := image(t, []entry{file("a", "1")})
	first := mustUnpack(t, s, "r", img)
	before, changed := treeOf(t, s.Dir()), timesOf(t, s.Dir())

	equal(t, "root of the second unpack", mustUnpack(t, s, "r", img), first)
	_, err := s.Unpack(t.Context(), image(t, []entry{file("a", "2")}), nfsroot.UnpackOptions{Tag: "r"})
	var taken *nfsroot.TagTakenError
	if !errors.As(err, &taken) || taken.Have != first.Digest {
		t.Errorf("another image under the tag: %v, want a TagTakenError", err)
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
	equal(t, "times", timesOf(t, s.Dir()), changed)
}

func TestUnpackForeignDirectory(t *testing.T) {
	s := open(t, t.TempDir())
	if err := os.Mkdir(s.Path("r"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := s.Unpack(t.Context(), image(t), nfsroot.UnpackOptions{Tag: "r"})
	if !errors.As(err, new(*nfsroot.TagTakenError)) {
		t.Errorf("unpacking over a directory: %v, want a TagTakenError", err)
	}
}

func TestUnpackTagNames(t *testing.T) {
	s := open(t, t.TempDir())
	img := image(t)
	for _, tag := range []string{"", "current", ".", "..", ".rootbuild", "-x", "a/b", "a b", "ä", strings.Repeat("x", 129)} {
		if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: tag}); err == nil {
			t.Errorf("tag %q was taken", tag)
		}
	}
	for _, tag := range []string{"a", "_", "uclibc-2026.11", strings.Repeat("x", 128)} {
		mustUnpack(t, s, tag, img)
	}
}

// cancelling is an image that ends the work when its second layer is opened.
type cancelling struct {
	v1.Image
	opened int
	cancel context.CancelFunc
}

func (i *cancelling) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if i.opened++; i.opened == 2 {
		i.cancel()
	}
	return i.Image.LayerByDigest(h)
}

func TestUnpackCancelled(t *testing.T) {
	s := open(t, t.TempDir())
	before := treeOf(t, s.Dir())
	ctx, cancel := context.WithCancel(t.Context())
	img := &cancelling{image(t, []entry{file("a", "1")}, []entry{file("b", "2")}), 0, cancel}
	_, err := s.Unpack(ctx, img, nfsroot.UnpackOptions{Tag: "r"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled unpack: %v", err)
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
}
