package distfiles_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

const half = 100_000

var fromHalf = fmt.Sprintf("bytes=%d-", half)

func TestFetchOverHTTP(t *testing.T) {
	wrong := append([]byte("other"), content[5:]...)
	for _, tc := range []struct {
		name     string
		handlers []http.HandlerFunc
		ranges   []string
	}{
		{"at once", []http.HandlerFunc{whole(content)}, []string{""}},
		{"503, then the file", []http.HandlerFunc{status(503), whole(content)}, []string{"", ""}},
		{"429, then the file", []http.HandlerFunc{status(429), whole(content)}, []string{"", ""}},
		{"resumed after a cut", []http.HandlerFunc{cut(content, half), whole(content)}, []string{"", fromHalf}},
		{"resumed after a stall", []http.HandlerFunc{hang(content, half), whole(content)}, []string{"", fromHalf}},
		{"Range ignored", []http.HandlerFunc{cut(wrong, half), ignoreRange(content)}, []string{"", fromHalf}},
		{"another range sent", []http.HandlerFunc{cut(content, half), otherRange, whole(content)}, []string{"", fromHalf, ""}},
		{"resumed with wrong bytes", []http.HandlerFunc{cut(wrong, half), whole(content)}, []string{"", fromHalf, ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := serve(t, tc.handlers...)
			store := open(t)
			opts := quick()
			opts.Stall = 5 * time.Second // a busy machine must not look like a stall
			if err := fetch(t, store, opts, source("f", content, server.URL)); err != nil {
				t.Fatal(err)
			}
			server.wantRanges(t, tc.ranges...)
			wantKept(t, store, content)
			wantNothingHalf(t, store)
		})
	}
}

func ignoreRange(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(data) }
}

func otherRange(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-9/%d", len(content)))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(content[7:10])
}

func TestFetchFaults(t *testing.T) {
	wrong := append([]byte("other"), content[5:]...)
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		reason  string
		asked   int
	}{
		{"404", status(404), "404 Not Found", 1},
		{"403", status(403), "403 Forbidden", 1},
		{"503 to the end", status(503), "503 Service Unavailable", 3},
		{"wrong bytes", whole(wrong), "wrong checksum: expected sha256 " + sumOf(content) + ", got " + sumOf(wrong), 1},
		{"short, and the server does not know", ignoreRange(content[:half]), "wrong checksum", 1},
		{"too long", ignoreRange(append(content[:len(content):len(content)], 'x')), "wrong checksum", 1},
		{"cut off each time", cut(content, 0), "cut off after 0 bytes", 3},
		{"stalled each time", hang(content, 0), "connection stalled: no byte for 300ms", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := serve(t, tc.handler)
			store := open(t)
			opts := quick()
			opts.Stall = 300 * time.Millisecond
			src := source("bash.tar.xz", content, server.URL+"/bash.tar.xz")
			err := fetch(t, store, opts, src)
			wantError(t, err, "bash.tar.xz (sha256 "+sumOf(content)+")", server.URL+"/bash.tar.xz: "+tc.reason, "--distdir")
			server.wantRanges(t, make([]string, tc.asked)...)
			wantKept(t, store)
			wantNothingHalf(t, store)
		})
	}
}

func TestFetchTriesOriginsInOrder(t *testing.T) {
	gone := serve(t, status(404))
	good := serve(t, whole(content))
	spare := serve(t, whole(content))
	store := open(t)
	if err := fetch(t, store, quick(), source("f", content, gone.URL, good.URL, spare.URL)); err != nil {
		t.Fatal(err)
	}
	gone.wantRanges(t, "")
	good.wantRanges(t, "")
	spare.wantRanges(t)
	wantKept(t, store, content)
}

// A resumed file with wrong bytes is fetched whole once, not for ever.
func TestFetchGivesUpOnABadOrigin(t *testing.T) {
	wrong := append([]byte("other"), content[5:]...)
	server := serve(t, cut(wrong, half), whole(wrong), cut(wrong, half), whole(wrong))
	store := open(t)
	wantError(t, fetch(t, store, quick(), source("f", content, server.URL)), "wrong checksum")
	server.wantRanges(t, "", fromHalf, "", fromHalf)
	wantKept(t, store)
	wantNothingHalf(t, store)
}

func TestFetchDropsTheHalfOfAnotherOrigin(t *testing.T) {
	bad, good := serve(t, cut(content, half)), serve(t, whole(content))
	store := open(t)
	if err := fetch(t, store, quick(), source("f", content, bad.URL, good.URL)); err != nil {
		t.Fatal(err)
	}
	good.wantRanges(t, "")
	wantKept(t, store, content)
	wantNothingHalf(t, store)
}

func TestFetchTellsEverythingAtOnce(t *testing.T) {
	gone := serve(t, status(404))
	good := serve(t, whole(content))
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	store := open(t)
	err := fetch(t, store, quick(),
		source("one", []byte("1"), gone.URL+"/one", closed.URL+"/one"),
		source("two", []byte("2"), good.URL+"/two"),
		source("three", content, good.URL+"/three"),
		source("four", []byte("4"), "file:///etc/passwd"),
		source("five", []byte("5")))
	wantError(t, err,
		"source one ", gone.URL+"/one: 404 Not Found", closed.URL+"/one: ", "connection refused",
		"source two ", "wrong checksum",
		"source four ", `scheme "file" is refused`,
		"source five ", "it names no origin")
	wantKept(t, store, content)
}

func TestFetchResumesAnEarlierRun(t *testing.T) {
	store := open(t)
	first := serve(t, hang(content, half))
	src := source("f", content, first.URL)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts := quick()
	opts.Progress = func(e distfiles.Event) {
		if e.State == distfiles.Progress {
			cancel()
		}
	}
	if err := store.Fetch(ctx, []distfiles.Source{src}, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled fetch: %v", err)
	}
	wantKept(t, store)

	parts := halves(t, store)
	if len(parts) != 1 {
		t.Fatalf("unfinished files: %v, want one", parts)
	}
	info, err := os.Stat(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	first.Config.Handler = first.handler([]http.HandlerFunc{whole(content)})
	if err := fetch(t, store, quick(), src); err != nil {
		t.Fatal(err)
	}
	first.wantRanges(t, "", fmt.Sprintf("bytes=%d-", info.Size()))
	wantKept(t, store, content)
	wantNothingHalf(t, store)
}

func TestFetchTakesAnEarlierRunsWholePart(t *testing.T) {
	store := open(t)
	server := serve(t, cut(content, half), cut(content, half), status(404), whole(content))
	src := source("f", content, server.URL)
	wantError(t, fetch(t, store, quick(), src), "404")
	parts := halves(t, store)
	if len(parts) != 1 {
		t.Fatalf("unfinished files: %v, want one", parts)
	}
	if err := os.WriteFile(parts[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fetch(t, store, quick(), src); err != nil {
		t.Fatal(err)
	}
	server.wantRanges(t, "", fromHalf, fromHalf, fmt.Sprintf("bytes=%d-", len(content)))
	wantKept(t, store, content)
}

func TestFetchRefusesRedirectToHTTP(t *testing.T) {
	plain := serve(t, whole(content))
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	store := open(t)
	err := fetch(t, store, quick(), source("f", content, secure.URL))
	wantError(t, err, "redirect from https to "+plain.URL+" is refused")
	plain.wantRanges(t)
}

func TestFetchFollowsRedirectToHTTPS(t *testing.T) {
	secure := httptest.NewTLSServer(whole(content))
	defer secure.Close()
	plain := serve(t, http.RedirectHandler(secure.URL, http.StatusFound).ServeHTTP)
	store := open(t)
	if err := fetch(t, store, quick(), source("f", content, plain.URL)); err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, content)
}

// A server that labels a .tar.gz as an encoded .tar must not make the client
// unpack it.
func TestFetchKeepsEncodedBytes(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(content)
	})
	store := open(t)
	if err := fetch(t, store, quick(), source("f", content, server.URL)); err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, content)
}

func TestErrorsHidePasswords(t *testing.T) {
	src := source("f", content, "https://user:secret@example.org/f")
	opts := quick()
	opts.Offline = true
	err := fetch(t, open(t), opts, src)
	wantError(t, err, "https://user:xxxxx@example.org/f")
}

// No pin tells how large a source is: a body without an end does not fill the disk.
func TestFetchEndlessBody(t *testing.T) {
	told := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2000000")
		for range 2000 {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	})
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	})
	for _, from := range []*requests{told, endless} {
		store := open(t)
		opts := quick()
		opts.MaxSize = 1_000_000
		err := fetch(t, store, opts, source("f-1.tar.xz", []byte("f"), from.URL+"/f-1.tar.xz"))
		wantError(t, err, "it has more than 1000000 bytes", "--distdir")
		wantNothingHalf(t, store)
	}
}
