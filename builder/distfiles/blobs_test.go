package distfiles_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

// blobs are a place that has one source, and counts how often it is asked.
func blobs(store *distfiles.Store, data []byte, asked *int) distfiles.Blobs {
	return distfiles.Blobs{Name: "a registry", Bring: func(_ context.Context, sha256 string, report func(done, total int64)) error {
		*asked++
		if sha256 != sumOf(data) {
			return errors.New("it has no such source")
		}
		report(int64(len(data)), int64(len(data)))
		return os.WriteFile(store.Path(sha256), data, 0o600)
	}}
}

func TestFetchAsksBlobsBeforeOrigins(t *testing.T) {
	server := serve(t, whole(content))
	dir, store := t.TempDir(), open(t)
	write(t, dir, "here", []byte("here"))
	var asked int
	opts := quick()
	opts.Dirs, opts.Blobs = []string{dir}, []distfiles.Blobs{blobs(store, []byte("there"), &asked)}
	err := fetch(t, store, opts, source("here", []byte("here")), source("there", []byte("there"), server.URL))
	if err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, []byte("here"), []byte("there"))
	server.wantRanges(t)
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}

	if err := fetch(t, store, opts, source("f", content, server.URL)); err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, []byte("here"), []byte("there"), content)
}

func TestOfflineAsksNoBlobs(t *testing.T) {
	store := open(t)
	var asked int
	opts := distfiles.FetchOptions{Blobs: []distfiles.Blobs{blobs(store, content, &asked)}, Offline: true}
	wantError(t, fetch(t, store, opts, source("f", content)), "a registry: not asked: the network is off")
	if asked != 0 {
		t.Error("it was asked")
	}
}
