package distfiles_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

// tree serves files by their paths, and directories as lists of them.
func tree(t *testing.T, files map[string]string) *httptest.Server {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		write(t, dir, name, []byte(text))
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server
}

// sourcesIndex returns a Sources.xz with these packages, each NAME VERSION.
func sourcesIndex(t *testing.T, packages ...string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	check(t, err)
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		_, err := fmt.Fprintf(w, "Package: %s\nBinary: %[1]s-bin\nVersion: %s\nFiles:\n 00 1 x\n\n", name, version)
		check(t, err)
	}
	check(t, w.Close())
	return b.String()
}

const sourcesXZ = "dists/unstable/main/source/Sources.xz"

func pinned(name string, origins ...distfiles.Origin) distfiles.Source {
	return distfiles.Source{Name: name, SHA256: sumOf([]byte(name)), Origins: origins}
}

func survey(t *testing.T, opts distfiles.SurveyOptions, sources ...distfiles.Source) []distfiles.Finding {
	t.Helper()
	opts.Pause, opts.Stall = time.Millisecond, 5*time.Second
	findings, err := distfiles.Survey(context.Background(), sources, opts)
	check(t, err)
	return findings
}

// summary is what a table has of a finding.
func summary(f distfiles.Finding) string {
	newest := "-"
	if f.Newest != nil {
		newest = f.Newest.Version
	}
	return fmt.Sprintf("%s %s, newest %s, %d unknown", f.State(), f.Pinned, newest, len(f.Unknown))
}

func TestSurveyOfDebian(t *testing.T) {
	server := tree(t, map[string]string{
		"pool/main/b/bash/bash_5.2.37.orig.tar.xz":               "",
		"pool/main/u/libc/libc-source_1.0.54-1_all.deb":          "",
		"pool/main/g/gcc-14/gcc-14_14.2.0.orig.tar.gz":           "",
		"pool/main/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz": "",
		sourcesXZ: sourcesIndex(t, "bash 5.2.37-2", "bash 5.3-1", "libc 1.0.54-3", "zlib 1:1.3.dfsg+really1.3.1-1",
			"sed 4.10~rc1-1", "gcc-14 14.3.0-10", "gone 2:1.10-1+b2"),
	})
	apt := func(name, path string) distfiles.Source {
		return pinned(name, distfiles.Origin{Apt: path})
	}
	tests := []struct {
		source distfiles.Source
		want   string
	}{
		{apt("bash", "pool/main/b/bash/bash_5.2.37.orig.tar.xz"), "served 5.2.37, newest 5.3, 0 unknown"},
		{apt("gcc", "pool/main/g/gcc-14/gcc-14_14.2.0.orig.tar.gz"), "served 14.2.0, newest 14.3.0, 0 unknown"},
		{apt("libc", "pool/main/u/libc/libc-source_1.0.54-1_all.deb"), "served 1.0.54, newest -, 0 unknown"},
		{apt("zlib", "pool/main/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz"), "served 1.3.1, newest -, 0 unknown"},
		{apt("sed", "pool/main/s/sed/sed_4.9.orig.tar.xz"), "gone 4.9, newest -, 0 unknown"},
		{apt("gone", "pool/main/g/gone/gone_1.9.tar.xz"), "gone 1.9, newest 1.10, 0 unknown"},
		{apt("other", "pool/main/o/other/other_1.tar.xz"), "gone 1, newest -, 0 unknown"},
		{apt("free", "pool/non-free/f/free/free_1.tar.xz"), "gone 1, newest -, 1 unknown"},
	}
	for _, tt := range tests {
		got := survey(t, distfiles.SurveyOptions{Mirror: server.URL}, tt.source)
		if diff := cmp.Diff(tt.want, summary(got[0])); diff != "" {
			t.Errorf("%s (-want +got):\n%s%v", tt.source.Name, diff, got)
		}
	}
}

func TestSurveyOfListings(t *testing.T) {
	server := tree(t, map[string]string{
		"dir/lib-2.9.tar.gz":                         "",
		"dir/lib-2.10.tar.xz":                        "",
		"dir/lib-2.11-rc1.tar.xz":                    "",
		"dir/lib-2.10.tar.xz.sig":                    "",
		"dir/libother-3.0.tar.xz":                    "",
		"dir/day-6.5-20250216.tgz":                   "",
		"only/one-1.0.tar.gz":                        "",
		"a/b/releases/download/v1.2/tool-1.2.tar.gz": "",
		"a/b/archive/refs/tags/v1.9.tar.gz":          "",
		"a/b/tags/index.html": `<a href="/a/b/releases/tag/v1.10&#46;1">new</a>
			<a href="/a/b/releases/tag/v2.0-beta">early</a>
			<a href="https://other.example.org/a/b/releases/tag/v9">other</a>`,
		"g/s/p/-/archive/p-3/p-p-3.tar.gz": "",
		"g/s/p/-/tags/index.html":          `<a class="x" HREF = '/g/s/p/-/tags/p-4'>`,
		"x/plain.tar.gz":                   "",
	})
	tests := []struct{ path, want string }{
		{"dir/lib-2.9.tar.gz", "served 2.9, newest 2.10, 0 unknown"},
		{"dir/lib-2.10.tar.xz?download=1", "served 2.10, newest -, 0 unknown"},
		{"dir/lib-2.8.tar.gz", "gone 2.8, newest 2.10, 0 unknown"},
		{"dir/lib-2.11-beta.tar.xz", "gone 2.11-beta, newest 2.11-rc1, 0 unknown"},
		{"dir/day-6.5-20250216.tgz", "served 6.5-20250216, newest -, 0 unknown"},
		{"only/one-1.0.tar.gz", "served 1.0, newest -, 0 unknown"},
		{"nowhere/one-1.0.tar.gz", "gone 1.0, newest -, 1 unknown"},
		{"a/b/releases/download/v1.2/tool-1.2.tar.gz", "served 1.2, newest 1.10.1, 0 unknown"},
		{"a/b/archive/refs/tags/v1.9.tar.gz", "served 1.9, newest 1.10.1, 0 unknown"},
		{"g/s/p/-/archive/p-3/p-p-3.tar.gz", "served 3, newest 4, 0 unknown"},
		{"x/plain.tar.gz", "served , newest -, 1 unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got := survey(t, distfiles.SurveyOptions{}, pinned("f", distfiles.Origin{URL: server.URL + "/" + tt.path}))
			if diff := cmp.Diff(tt.want, summary(got[0])); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, got)
			}
		})
	}
}

// A place that does not answer, or answers with a fault of its own, has lost
// nothing.
func TestSurveyTellsGoneFromUnreachable(t *testing.T) {
	gone := tree(t, nil)
	closed := tree(t, nil)
	closed.Close()
	tests := []struct {
		name string
		urls []string
		want distfiles.Presence
	}{
		{"404", []string{gone.URL}, distfiles.Gone},
		{"410", []string{serve(t, status(410)).URL}, distfiles.Gone},
		{"403", []string{serve(t, status(403)).URL}, distfiles.Unreachable},
		{"500", []string{serve(t, status(500)).URL}, distfiles.Unreachable},
		{"refused", []string{closed.URL}, distfiles.Unreachable},
		{"one of each", []string{gone.URL, closed.URL}, distfiles.Unreachable},
		{"one serves", []string{gone.URL, serve(t, whole(content)).URL}, distfiles.Served},
		{"no HEAD", []string{serve(t, status(405), whole(content)).URL}, distfiles.Served},
		{"500, once", []string{serve(t, status(500), whole(content)).URL}, distfiles.Served},
		{"another scheme", []string{"ftp://127.0.0.1"}, distfiles.Unreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := pinned("f-1.tar.gz")
			for _, u := range tt.urls {
				src.Origins = append(src.Origins, distfiles.Origin{URL: u + "/f-1.tar.gz"})
			}
			got := survey(t, distfiles.SurveyOptions{}, src)[0]
			if got.State() != tt.want || len(got.Answers) != len(tt.urls) {
				t.Errorf("%s, want %s: %v", got.State(), tt.want, got.Answers)
			}
		})
	}
}

// The host's apt brings indices, and its archives together are one origin.
func TestSurveyByApt(t *testing.T) {
	security := tree(t, map[string]string{"debian/pool/main/f/f/f_2.orig.tar.xz": ""})
	main := tree(t, map[string]string{
		"debian/pool/main/f/f/f_1.orig.tar.xz":    "",
		"debian/dists/sid/main/source/Sources.xz": sourcesIndex(t, "f 3-1"),
	})
	configureApt(t, archive{main.URL + "/debian", "Debian", "Debian"}, archive{security.URL + "/debian", "Debian", "Debian-Security"})
	one := pinned("one", distfiles.Origin{Apt: "pool/main/f/f/f_1.orig.tar.xz"})
	two := pinned("two", distfiles.Origin{Apt: "pool/main/f/f/f_2.orig.tar.xz"})
	got := survey(t, distfiles.SurveyOptions{Suites: []string{"sid"}}, one, two)
	for _, f := range got {
		if want := "served " + f.Pinned + ", newest 3, 0 unknown"; summary(f) != want {
			t.Errorf("%s, want %s: %v", summary(f), want, f)
		}
	}
}
