package distfiles_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

const member = "usr/src/inner-1.tar.xz"

// deb makes a Debian package that holds data as member.
func deb(t *testing.T, ext string, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := compressor(t, ext, &packed)
	archive := tar.NewWriter(w)
	for _, header := range []*tar.Header{
		{Name: "./usr/src/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./usr/src/other", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./" + member, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))},
		{Name: "./usr/src/link", Typeflag: tar.TypeSymlink, Linkname: "inner-1.tar.xz"},
	} {
		check(t, archive.WriteHeader(header))
		if header.Size > 0 {
			_, err := archive.Write(data)
			check(t, err)
		}
	}
	check(t, archive.Close())
	check(t, w.Close())

	var out bytes.Buffer
	out.WriteString("!<arch>\n")
	arMember(&out, "debian-binary", []byte("2.0\n"))
	arMember(&out, "control.tar.xz", []byte("odd")) // followed by a padding byte
	arMember(&out, "data.tar"+ext, packed.Bytes())
	return out.Bytes()
}

func arMember(w *bytes.Buffer, name string, data []byte) {
	fmt.Fprintf(w, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, 0, 0, 0, "100644", len(data))
	w.Write(data)
	if len(data)%2 == 1 {
		w.WriteByte('\n')
	}
}

func compressor(t *testing.T, ext string, out io.Writer) io.WriteCloser {
	t.Helper()
	switch ext {
	case ".xz":
		w, err := xz.NewWriter(out)
		check(t, err)
		return w
	case ".zst":
		w, err := zstd.NewWriter(out)
		check(t, err)
		return w
	case ".gz":
		return gzip.NewWriter(out)
	}
	return nopCloser{out}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fromDeb(data []byte, url, member string) distfiles.Source {
	src := source("inner-1.tar.xz", data)
	src.Origins = []distfiles.Origin{{URL: url, Member: member}}
	return src
}

func TestFetchMember(t *testing.T) {
	for _, ext := range []string{"", ".gz", ".xz", ".zst"} {
		t.Run("data.tar"+ext, func(t *testing.T) {
			server := serve(t, whole(deb(t, ext, content)))
			store := open(t)
			check(t, fetch(t, store, quick(), fromDeb(content, server.URL, member)))
			wantKept(t, store, content)
			wantNothingHalf(t, store)
		})
	}
}

func TestFetchMemberFaults(t *testing.T) {
	good := deb(t, "", content)
	damaged := bytes.Clone(good)
	copy(damaged[8+40:], "        ") // a blank mode is harmless; the end mark is not
	copy(damaged[8+58:], "xx")
	for _, tc := range []struct {
		name   string
		deb    []byte
		member string
		reason string
	}{
		{"no package", []byte("<html>sign in</html>"), member, "it is no ar archive"},
		{"empty", nil, member, "it is no ar archive"},
		{"damaged header", damaged, member, "an ar header is damaged"},
		{"no data", good[:8+60+4], member, "it has no data.tar"},
		{"short", good[:len(good)/2], member, "unexpected EOF"},
		{"unknown compression", deb(t, ".lz9", content), member, "compression of data.tar.lz9 is not known"},
		{"no such member", good, "usr/src/none", "holds no usr/src/none"},
		{"a link", good, "usr/src/link", "is no regular file"},
		{"another file's bytes", good, "usr/src/other", "wrong checksum"},
		{"a path out of the package", good, "../x", "is not a path inside a package"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := serve(t, whole(tc.deb))
			store := open(t)
			err := fetch(t, store, quick(), fromDeb(content, server.URL, tc.member))
			wantError(t, err, server.URL+" (its file "+tc.member+"): ", tc.reason)
			wantKept(t, store)
			wantNothingHalf(t, store)
		})
	}
}

func TestFetchMemberResumes(t *testing.T) {
	data := deb(t, "", content)
	server := serve(t, cut(data, half), whole(data))
	store := open(t)
	check(t, fetch(t, store, quick(), fromDeb(content, server.URL, member)))
	server.wantRanges(t, "", fromHalf)
	wantKept(t, store, content)
}

func TestFetchMemberFromDir(t *testing.T) {
	for name, data := range map[string][]byte{
		"outer_1_all.deb": deb(t, ".xz", content),
		"inner-1.tar.xz":  content,
	} {
		t.Run(name, func(t *testing.T) {
			dir, store := t.TempDir(), open(t)
			write(t, dir, name, data)
			opts := distfiles.FetchOptions{Dirs: []string{dir}, Offline: true}
			src := fromDeb(content, "https://example.org/outer_1_all.deb", member)
			check(t, fetch(t, store, opts, src))
			wantKept(t, store, content)
		})
	}
}
