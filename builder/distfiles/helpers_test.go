package distfiles_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/builder/distfiles"
)

// TestMain makes the certificate of httptest's TLS servers one that the system
// trusts, so that the client under test needs no seam for it.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		server := httptest.NewTLSServer(http.NotFoundHandler())
		server.Close()
		dir, err := os.MkdirTemp("", "distfiles")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "ca.pem")
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		if err := os.WriteFile(file, text, 0o600); err != nil {
			panic(err)
		}
		os.Setenv("SSL_CERT_FILE", file)
		return m.Run()
	}())
}

// content is long enough to be cut into pieces that reach the client apart.
var content = []byte(strings.Repeat("a source of 256 KiB, line by line\n", 8192))

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func source(name string, data []byte, urls ...string) distfiles.Source {
	src := distfiles.Source{Name: name, SHA256: sumOf(data)}
	for _, u := range urls {
		src.Origins = append(src.Origins, distfiles.Origin{URL: u})
	}
	return src
}

func open(t *testing.T) *distfiles.Store {
	t.Helper()
	store, err := distfiles.Open(filepath.Join(t.TempDir(), "distfiles"))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func quick() distfiles.FetchOptions {
	return distfiles.FetchOptions{Pause: time.Millisecond}
}

func fetch(t *testing.T, store *distfiles.Store, opts distfiles.FetchOptions, sources ...distfiles.Source) error {
	t.Helper()
	return store.Fetch(context.Background(), sources, opts)
}

// wantKept checks that the store holds exactly these blobs, and nothing half.
func wantKept(t *testing.T, store *distfiles.Store, blobs ...[]byte) {
	t.Helper()
	want := map[string]string{}
	for _, data := range blobs {
		want[sumOf(data)] = string(data)
	}
	entries, err := os.ReadDir(filepath.Join(store.Dir(), "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := os.ReadFile(store.Path(entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := want[entry.Name()]; !ok || text != string(data) {
			t.Errorf("store keeps %s of %d bytes, which is wrong", entry.Name(), len(data))
		}
		delete(want, entry.Name())
	}
	for sum := range want {
		t.Errorf("store lacks %s", sum)
	}
}

func wantNothingHalf(t *testing.T, store *distfiles.Store) {
	t.Helper()
	if halves := halves(t, store); len(halves) > 0 {
		t.Errorf("unfinished files are left: %v", halves)
	}
}

func halves(t *testing.T, store *distfiles.Store) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(store.Dir(), "partial", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q:\n%v", part, err)
		}
	}
}

// requests is a server that answers its n-th request by its n-th handler (the
// last one over and over) and remembers what was asked.
type requests struct {
	*httptest.Server

	mu     sync.Mutex
	ranges []string
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *requests {
	t.Helper()
	r := &requests{}
	r.Server = httptest.NewServer(r.handler(handlers))
	t.Cleanup(r.Close)
	return r
}

func (r *requests) handler(handlers []http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.ranges = append(r.ranges, req.Header.Get("Range"))
		h := handlers[min(len(r.ranges), len(handlers))-1]
		r.mu.Unlock()
		h(w, req)
	}
}

// wantRanges checks the Range headers of all requests, in order.
func (r *requests) wantRanges(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.ranges, want) {
		t.Errorf("requests had the ranges %q, want %q", r.ranges, want)
	}
}

// whole serves data with Range support.
func whole(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "", time.Time{}, strings.NewReader(string(data)))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// cut sends n bytes of data and drops the connection.
func cut(data []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		begin(w, data, n)
		panic(http.ErrAbortHandler)
	}
}

// hang sends n bytes of data and then nothing, until the client gives up.
func hang(data []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		begin(w, data, n)
		<-req.Context().Done()
	}
}

func begin(w http.ResponseWriter, data []byte, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.Write(data[:n])
	w.(http.Flusher).Flush()
}
