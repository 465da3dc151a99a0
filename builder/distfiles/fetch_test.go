package distfiles_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFetchLooksIntoDirsFirst(t *testing.T) {
	server := serve(t, whole(content))
	for _, tc := range []struct{ name, file string }{
		{"by the source's name", "bash-5.2.tar.xz"},
		{"by the origin's base name", "bash_5.2.orig+a.tar.xz"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, store := t.TempDir(), open(t)
			write(t, dir, tc.file, content)
			opts := distfiles.FetchOptions{Dirs: []string{t.TempDir(), dir}, Offline: true}
			src := source("bash-5.2.tar.xz", content, server.URL+"/x/bash_5.2.orig%2Ba.tar.xz?y=z")
			if err := fetch(t, store, opts, src); err != nil {
				t.Fatal(err)
			}
			wantKept(t, store, content)
		})
	}
	server.wantRanges(t)
}

func TestFetchGoesOnAfterABadDir(t *testing.T) {
	server := serve(t, whole(content))
	dir, store := t.TempDir(), open(t)
	write(t, dir, "f", []byte("not the bytes"))
	opts := quick()
	opts.Dirs = []string{filepath.Join(dir, "none"), dir}
	if err := fetch(t, store, opts, source("f", content, server.URL)); err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, content)
	wantNothingHalf(t, store)
}

func TestOfflineNamesAllThatIsMissing(t *testing.T) {
	server := serve(t, whole(content))
	dir, store := t.TempDir(), open(t)
	write(t, dir, "here", content)
	write(t, dir, "one", []byte("not the bytes"))
	opts := distfiles.FetchOptions{Dirs: []string{dir, filepath.Join(dir, "none")}, Offline: true}
	one := source("one", []byte("1"), server.URL+"/first")
	two := source("two", []byte("2"))
	two.Origins = []distfiles.Origin{{Apt: "pool/main/t/two/two.deb", Member: "usr/src/two"}}
	err := fetch(t, store, opts, source("here", content), one, two)
	wantError(t, err,
		"source one (sha256 "+one.SHA256+")", filepath.Join(dir, "one")+": wrong checksum",
		server.URL+"/first: not asked: the network is off",
		"source two (sha256 "+two.SHA256+")", dir+": no file two or two.deb",
		"apt pool/main/t/two/two.deb (its file usr/src/two): not asked",
		filepath.Join(dir, "none")+": no such file or directory", "--distdir")
	server.wantRanges(t)
	wantKept(t, store, content)
}

func TestFetchTakesOneChecksumOnce(t *testing.T) {
	server := serve(t, whole(content))
	store := open(t)
	a, b := source("a", content, server.URL+"/a"), source("b", content, server.URL+"/b")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := fetch(t, store, quick(), a, b); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	server.wantRanges(t, "")
	wantKept(t, store, content)
}

func TestMirrorServesAptOrigins(t *testing.T) {
	server := serve(t, whole(content))
	store := open(t)
	opts := quick()
	opts.Mirror = server.URL + "/debian/"
	src := source("f", content)
	src.Origins = []distfiles.Origin{{Apt: "pool/main/f/f_1.orig.tar.xz"}}
	if err := fetch(t, store, opts, src); err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, content)

	src = source("g", []byte("g"))
	src.Origins = []distfiles.Origin{{Apt: "pool/main/g/g_1.orig.tar.xz"}}
	wantError(t, fetch(t, store, opts, src), server.URL+"/debian/pool/main/g/g_1.orig.tar.xz: wrong checksum")
}

func TestProgress(t *testing.T) {
	gone, good := serve(t, status(404)), serve(t, whole(content))
	store := open(t)
	src := source("f", content, gone.URL, good.URL)
	var events []distfiles.Event
	opts := quick()
	opts.Progress = func(e distfiles.Event) { events = append(events, e) }
	for range 2 {
		if err := fetch(t, store, opts, src); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, fetch(t, store, opts, source("lost", []byte("lost"))), "lost")

	var steps []string
	for _, e := range events {
		step := e.Source + " " + string(e.State) + " " + e.Origin
		steps = slices.Compact(append(steps, step))
		if e.State == distfiles.Done && (e.Done != int64(len(content)) || e.Total != e.Done) {
			t.Errorf("done after %d of %d bytes, want %d", e.Done, e.Total, len(content))
		}
		if (e.State == distfiles.Failed) != (e.Err != nil) {
			t.Errorf("event %s %s has the error %v", e.Source, e.State, e.Err)
		}
	}
	want := []string{
		"f started " + gone.URL, "f failed " + gone.URL,
		"f started " + good.URL, "f progress " + good.URL, "f done " + good.URL,
		"f cached ", "lost failed ",
	}
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
}

func TestAStoreThatCannotBeWrittenIsTold(t *testing.T) {
	first, second := serve(t, whole(content)), serve(t, whole(content))
	store := open(t)
	// A file in the directory's place stops even root.
	partial := filepath.Join(store.Dir(), "partial")
	if err := os.Remove(partial); err != nil {
		t.Fatal(err)
	}
	write(t, store.Dir(), "partial", nil)
	err := fetch(t, store, quick(), source("f", content, first.URL, second.URL))
	wantError(t, err, partial, "not a directory", "make the source store writable")
	if strings.Contains(err.Error(), second.URL) {
		t.Errorf("another origin was tried, which cannot help:\n%v", err)
	}
}
