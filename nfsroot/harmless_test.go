package nfsroot_test

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Layers that look hostile and are unpacked as documented: the root is what it
// has to be, its inventory agrees, and nothing else changed.
func TestHarmlessLayers(t *testing.T) {
	const a = `file 0644 0:0 "1"`
	mode := func(e entry, m int64) entry { return e.with(func(h *tar.Header) { h.Mode = m }) }
	tests := []struct {
		name   string
		layers [][]entry
		want   map[string]string
	}{
		{"symlinks that lead out, and nothing through them", [][]entry{{symlink("up", "../../../.."), symlink("etc", "/etc"), symlink("proc", "/proc/self/root")}},
			map[string]string{"up": "symlink 0:0 -> ../../../..", "etc": "symlink 0:0 -> /etc", "proc": "symlink 0:0 -> /proc/self/root"}},
		{"a file over a symlink that leads out", [][]entry{{symlink("x", "../../../../victim")}, {file("x", "1")}}, map[string]string{"x": a}},
		{"a file over a hard link to a symlink that leads out", [][]entry{{symlink("s", "../../../../victim"), hardlink("x", "s"), file("x", "1")}},
			map[string]string{"s": "symlink 0:0 -> ../../../../victim", "x": a}},
		{"a file over one name of two", [][]entry{{file("x", "0"), hardlink("y", "x")}, {file("y", "1"), hardlink("z", "y")}},
			map[string]string{"x": `file 0644 0:0 "0"`, "y": a, "z": "same as y"}},
		{"a directory over a symlink that leads out", [][]entry{{symlink("d", "../../../..")}, {dir("d", 0o755), file("d/victim", "1")}},
			map[string]string{"d": root, "d/victim": a}},
		{"names of the store", [][]entry{{file("current", "1"), file(".rootbuild/lock", "1")}}, map[string]string{"current": a, ".rootbuild": root, ".rootbuild/lock": a}},
		{"control characters, and no UTF-8", [][]entry{{file("\x1b[2J\r\n\t", "1"), file("\xff\xfe", "1"), file("\u202efdp.exe", "1"), file(`"quoted"`, "1")}},
			map[string]string{"\x1b[2J\r\n\t": a, "\xff\xfe": a, "\u202efdp.exe": a, `"quoted"`: a}},
		{"names that options look like", [][]entry{{file("-rf", "1"), file("--", "1"), file("*", "1"), file(" ", "1"), file("\\", "1")}},
			map[string]string{"-rf": a, "--": a, "*": a, " ": a, "\\": a}},
		{"names written oddly", [][]entry{{file(".//d/./x", "1"), dir("./d/.", 0o700)}}, map[string]string{"d": "dir 0700 0:0", "d/x": a}},
		{"names that begin at the root", [][]entry{{dir("", 0o755), file("/d/x", "1"), hardlink("y", "/d/x"), hardlink("//z", "//d/x")}},
			map[string]string{"d": root, "d/x": a, "y": "same as d/x", "z": "same as d/x"}},
		{"whiteouts that begin at the root", [][]entry{{file("x", "1"), file("d/y", "1"), file("z", "1")}, {file("/.wh.x", ""), file("/d/.wh..wh..opq", "")}},
			map[string]string{"d": root, "z": a}},
		{"a name of 255 bytes", [][]entry{{file(strings.Repeat("n", 255), "1")}}, map[string]string{strings.Repeat("n", 255): a}},
		{"the same name as all types", [][]entry{{dir("x", 0o755), symlink("x", "y"), file("x", "2"), dir("x", 0o755), file("x", "1")}}, map[string]string{"x": a}},
		{"whiteouts of whiteouts", [][]entry{{file("x", "1")}, {file(".wh..wh.x", ""), file(".wh..wh..wh..opq", ""), file(".wh..wh.aufs", "")}}, map[string]string{"x": a}},
		{"a whiteout with content", [][]entry{{file("x", "1"), file("y", "1")}, {file(".wh.x", "content")}}, map[string]string{"y": a}},
		{"a whiteout that is a directory", [][]entry{{file("x", "1"), file("y", "1")}, {dir(".wh.x", 0o755)}}, map[string]string{"y": a}},
		{"a whiteout that is a symlink", [][]entry{{file("x", "1"), file("y", "1")}, {symlink(".wh.x", "../../../../victim")}}, map[string]string{"y": a}},
		{"a whiteout of a symlink that leads out", [][]entry{{symlink("x", "../../../../victim"), file("y", "1")}, {file(".wh.x", "")}}, map[string]string{"y": a}},
		{"many opaque whiteouts beside their siblings", [][]entry{{file("d/old", "0")}, {file("d/new", "1"), file("d/.wh..wh..opq", ""), file("d/.wh..wh..opq", ""), file("d/later", "1")}},
			map[string]string{"d": root, "d/new": a, "d/later": a}},
		{"a mode with the type of another", [][]entry{{mode(file("x", "1"), 0o120644), mode(dir("d", 0), 0o100755)}}, map[string]string{"x": a, "d": root}},
		{"symlinks in circles", [][]entry{{symlink("x", "y"), symlink("y", "x"), symlink("z", "z")}},
			map[string]string{"x": "symlink 0:0 -> y", "y": "symlink 0:0 -> x", "z": "symlink 0:0 -> z"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantHarmless(t, image(t, test.layers...), test.want) })
	}
}

// wantHarmless unpacks an image, and compares the root, and all around it.
func wantHarmless(t *testing.T, img v1.Image, want map[string]string) {
	t.Helper()
	outer, s := surroundings(t)
	before := around(t, outer)
	mustUnpack(t, s, "odd", img)
	want = maps.Clone(want)
	want["."] = root
	equal(t, "tree", treeOf(t, s.Path("odd")), want)
	differ, err := s.Check(t.Context(), "odd")
	if err != nil || len(differ) > 0 {
		t.Errorf("the root is not what its inventory says: %v, %v", differ, err)
	}
	after := around(t, outer)
	dropRoot(after, before, "odd")
	equal(t, "what surrounds the root", after, before)
}

// Streams that other programs read in other ways: ours is documented.
func TestHarmlessStreams(t *testing.T) {
	const x = `file 0644 0:0 ""`
	first := bytes.Join([][]byte{raw("a", '0', ""), end}, nil)
	second := bytes.Join([][]byte{raw("b", '0', ""), end}, nil)
	both := bytes.Join([][]byte{first, second}, nil)
	zip := func(data []byte) []byte { return compressed(t, func(w io.Writer) error { return send(w, data) }) }
	skipped := []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'j', 'u', 'n', 'k'}
	gzips := append(gzipped(t, both[:700]), gzipped(t, both[700:])...)
	tests := []struct {
		name string
		blob blob
		want map[string]string
	}{
		{"two tars, of which the first counts", plain(both), map[string]string{"a": x}},
		{"noise behind the tar", plain(first, []byte(strings.Repeat("noise", 1000))), map[string]string{"a": x}},
		{"no end of the tar", plain(first[:512]), map[string]string{"a": x}},
		{"nothing at all", plain(), map[string]string{}},
		{"PAX header with no entry after it", plain(raw("p", 'x', "10 path=x\n"), end), map[string]string{}},
		{"PAX size of a file that is larger", plain(paxed('0', "path=a", "size=4"), padded([]byte("text")), end), map[string]string{"a": `file 0644 0:0 "text"`}},
		{"zstd in two frames", zstdOf(first, zip(first[:300]), zip(first[300:])), map[string]string{"a": x}},
		{"zstd with frames to skip", zstdOf(first, skipped, zip(first), skipped), map[string]string{"a": x}},
		{"zstd with frames of nothing", zstdOf(first, zip(nil), zip(first), zip(nil)), map[string]string{"a": x}},
		{"gzip in two members", blob{data: gzips, media: types.OCILayer, diffID: hashOf(both)}, map[string]string{"a": x}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantHarmless(t, imageOfBlobs(t, test.blob), test.want) })
	}
	t.Run("the same layer four times", func(t *testing.T) {
		l := plain(first)
		wantHarmless(t, imageOfBlobs(t, l, l, plain(raw(".wh.a", '0', ""), end), l, l), map[string]string{"a": x})
	})
	t.Run("a layer that its own whiteout takes away again", func(t *testing.T) {
		hide := plain(raw(".wh.a", '0', ""), end)
		wantHarmless(t, imageOfBlobs(t, plain(first), hide, hide), map[string]string{})
	})
}
