package compare_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/compare"
	"github.com/rootbuild/rootbuild/images/oci"
)

var epoch = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// file is a regular file of a layer, mode 0644 of root unless changed.
func file(name, content string, change ...func(*tar.Header)) member {
	h := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}
	for _, c := range change {
		c(&h)
	}
	return member{h, content}
}

type member struct {
	tar.Header
	content string
}

func pack(t *testing.T, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		m.Size = int64(len(m.content))
		if err := w.WriteHeader(&m.Header); err != nil {
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

// layer is what an image of a test has in a layer.
type layer struct {
	by      string
	epoch   time.Time
	members []member
}

func app(members ...member) layer { return layer{"package app 1", epoch, members} }

func newImage(t *testing.T, title string, layers ...layer) v1.Image {
	t.Helper()
	layout, err := oci.OpenLayout(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := oci.ImageOptions{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}, Epoch: epoch, Annotations: map[string]string{"title": title}}
	for _, l := range layers {
		made, err := layout.WriteLayer(t.Context(), bytes.NewReader(pack(t, l.members...)), oci.LayerOptions{Epoch: l.epoch})
		if err != nil {
			t.Fatal(err)
		}
		o.Layers = append(o.Layers, made.Ref(l.by))
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

// differences are those of two images, each as a line.
func differences(t *testing.T, a, b v1.Image) string {
	t.Helper()
	found, err := compare.Images(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range found {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

func TestFiles(t *testing.T) {
	long := strings.Repeat("x", 300)
	link := func(to string) member {
		return member{tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: to, Mode: 0o777}, ""}
	}
	for _, c := range []struct {
		name string
		a, b member
		want string
	}{
		{"same", file("f", "x"), file("f", "x"), ""},
		{"mode", file("f", "x"), file("f", "x", func(h *tar.Header) { h.Mode = 0o4755 }), "package app: /f: mode 4755, not 0644"},
		{"owner", file("f", "x"), file("f", "x", func(h *tar.Header) { h.Uid = 7 }), "package app: /f: owner 7:0, not 0:0"},
		{"symlink", link("a"), link("b"), "package app: /l: link b, not a"},
		{"type", file("l", "x"), link("a"), "package app: /l: type symlink, not file\npackage app: /l: mode 0777, not 0644\npackage app: /l: link a, not nothing"},
		{"other path", file("f", "x"), file("g", "x"), "package app: /f: missing\npackage app: /g: added"},
		{"text", file("f", "a\nb\nc\n"), file("f", "a\nB\nc\n"), `package app: /f: line 2: bytes "B", not "b"`},
		{"longer text", file("f", "a\n"), file("f", "a\nb\n"), `package app: /f: line 2: bytes "b", not its end`},
		{"far in a line", file("f", long+"a\n"), file("f", long+"b\n"),
			`package app: /f: line 1: bytes ..."` + long[:50] + `b", not ..."` + long[:50] + `a"`},
		{"words in a binary", file("f", "\x00\x01built Nov 22\x00"), file("f", "\x00\x01built Nov 23\x00"),
			`package app: /f: byte 0xd: bytes "built Nov 23", not "built Nov 22"`},
		{"binary", file("f", "\x00\x01\x02\x03"), file("f", "\x00\x01\x05\x03"), "package app: /f: byte 0x2: bytes 05 03, not 02 03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := differences(t, newImage(t, "x", app(c.a)), newImage(t, "x", app(c.b)))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSections(t *testing.T) {
	// An ELF file that every host has.
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	text := section(t, program, ".text")
	changed := bytes.Clone(program)
	changed[text+100] ^= 0xff
	got := differences(t, newImage(t, "x", app(file("usr/bin/app", string(program)))), newImage(t, "x", app(file("usr/bin/app", string(changed)))))
	if !strings.HasPrefix(got, "package app: /usr/bin/app: section .text, byte 0x64: bytes ") || strings.Contains(got, "\n") {
		t.Errorf("got %s, want one difference, in section .text", got)
	}
	// The type of the file lies in no section.
	changed = bytes.Clone(program)
	binary.LittleEndian.PutUint32(changed[20:], 2)
	got = differences(t, newImage(t, "x", app(file("usr/bin/app", string(program)))), newImage(t, "x", app(file("usr/bin/app", string(changed)))))
	if want := "package app: /usr/bin/app: byte 0x14: bytes "; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestArchives(t *testing.T) {
	later := func(h *tar.Header) { h.ModTime = epoch.Add(time.Hour) }
	for _, c := range []struct {
		name, a, b, want string
	}{
		{"bytes in a member of ar", ar(0, "one\n", "two\n"), ar(0, "one\n", "2\n"), `member b.o, line 1: bytes "2", not "two"`},
		{"time of a member of ar", ar(0, "one\n"), ar(60, "one\n"), "member a.o: time 1970-01-01T00:01:00Z, not 1970-01-01T00:00:00Z"},
		{"member of ar", ar(0, "one\n", "two\n"), ar(0, "one\n"), "member b.o: missing"},
		{"time of gzip", zip(t, 1, "x"), zip(t, 61, "x"), "gzip header: time 1970-01-01T00:01:01Z, not 1970-01-01T00:00:01Z"},
		{"time in tar", string(pack(t, file("m", "x"))), string(pack(t, file("m", "x", later))),
			"member m: time 2026-11-22T01:00:00Z, not 1970-01-01T00:00:00Z"},
		{"bytes in a tar in gzip", zip(t, 1, string(pack(t, file("m", "x\n")))), zip(t, 1, string(pack(t, file("m", "y\n")))),
			`gzip, member m, line 1: bytes "y", not "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := differences(t, newImage(t, "x", app(file("f", c.a))), newImage(t, "x", app(file("f", c.b))))
			if diff := cmp.Diff("package app: /f: "+c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestImages(t *testing.T) {
	one := func(by string) layer { return layer{by, epoch, []member{file("f", "x"), file("g", "x")}} }
	later := one("package app 1")
	later.epoch = epoch.Add(24 * time.Hour)
	small := one("package lib 1")
	small.members = small.members[:1]
	for _, c := range []struct {
		name string
		a, b v1.Image
		want string
	}{
		{"every time", newImage(t, "x", one("package app 1")), newImage(t, "x", later),
			"package app: every file: time 2026-11-23T00:00:00Z, not 2026-11-22T00:00:00Z"},
		{"title", newImage(t, "x", one("package app 1")), newImage(t, "y", one("package app 1")), "annotation title: config y, not x"},
		{"version", newImage(t, "x", one("package app 1")), newImage(t, "x", one("package app 2")), "package app: version 2, not 1"},
		{"layers", newImage(t, "x", one("package app 1")), newImage(t, "x", one("package lib 1")), "package app: missing\npackage lib: added"},
		{"order", newImage(t, "x", one("package app 1"), small), newImage(t, "x", small, one("package app 1")),
			"order package lib, package app, not package app, package lib"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, differences(t, c.a, c.b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ar is a static library with the members a.o, b.o...
func ar(seconds int, members ...string) string {
	s := "!<arch>\n"
	for i, m := range members {
		s += fmt.Sprintf("%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", string(rune('a'+i))+".o/", seconds, 0, 0, 0o644, len(m), m)
		if len(m)%2 == 1 {
			s += "\n"
		}
	}
	return s
}

// section is where a section of an ELF file begins in it.
func section(t *testing.T, program []byte, name string) uint64 {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	return f.Section(name).Offset
}

func zip(t *testing.T, seconds int64, content string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.ModTime = time.Unix(seconds, 0)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}
