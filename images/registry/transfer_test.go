package registry_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/registry/registrytest"
)

// startRegistry returns the address of a registry that lives as long as the
// test.
func startRegistry(t *testing.T, extra string) string {
	t.Helper()
	address, stop, err := registrytest.Start(t.TempDir(), extra)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return address
}

// impatient are options for a registry on loopback that is not waited for.
func impatient() registry.Options {
	return registry.Options{PlainHTTP: true, Stall: 2 * time.Second, Pause: time.Millisecond}
}

func pushTo(t testing.TB, l *oci.Layout, h v1.Hash, ref string) {
	t.Helper()
	got, err := registry.Push(t.Context(), l.Reference(h), imagetest.Reference(t, ref), impatient())
	if err != nil || got != h {
		t.Fatalf("pushed %s, %v, want %s", got, err, h)
	}
}

// answer is what the registry behind a proxy said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) send(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // whoever asked may have gone
}

// proxy stands before a registry. spoil sees each request with the answer to
// it and says whether it answered in some way of its own.
type proxy struct {
	to    string
	mu    sync.Mutex
	log   []string
	spoil func(w http.ResponseWriter, r *http.Request, a answer) bool
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.log = append(p.log, r.Method+" "+r.URL.Path+" "+r.Header.Get("Range"))
	p.mu.Unlock()
	a, err := p.forward(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if p.spoil == nil || !p.spoil(w, r, a) {
		a.send(w)
	}
}

func (p *proxy) forward(r *http.Request) (answer, error) {
	req := r.Clone(r.Context())
	req.RequestURI, req.URL = "", &url.URL{Scheme: "http", Host: p.to, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

// requests returns those whose line holds a text.
func (p *proxy) requests(text string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []string
	for _, line := range p.log {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// start serves the proxy and returns its address.
func (p *proxy) start(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// abort ends a connection in the middle of an answer.
func abort() { panic(http.ErrAbortHandler) }

// faults are ways to spoil an answer.
var faults = map[string]func(w http.ResponseWriter, r *http.Request, a answer){
	"cut off": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = a.body[:len(a.body)/2]
		a.send(w)
		_ = http.NewResponseController(w).Flush()
		abort()
	},
	"short": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = a.body[:len(a.body)/2]
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.send(w)
	},
	"long": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = append(a.body, ' ')
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.send(w)
	},
	"long without a length": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = append(a.body, ' ')
		a.header.Del("Content-Length")
		w.Header().Set("Transfer-Encoding", "chunked")
		a.send(w)
	},
	"corrupt": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = bytes.Clone(a.body)
		if len(a.body) > 0 {
			a.body[len(a.body)/2] ^= 1
		}
		a.send(w)
	},
	"empty": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = nil
		a.header.Set("Content-Length", "0")
		a.send(w)
	},
	"stalled": func(w http.ResponseWriter, r *http.Request, a answer) {
		a.body = a.body[:len(a.body)/2]
		a.send(w)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	},
	"silent": func(_ http.ResponseWriter, r *http.Request, _ answer) { <-r.Context().Done() },
	"reset": func(w http.ResponseWriter, _ *http.Request, _ answer) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			err = errors.Join(conn.(*net.TCPConn).SetLinger(0), conn.Close())
		}
		if err != nil {
			panic(err)
		}
	},
	"dripping": func(w http.ResponseWriter, r *http.Request, a answer) {
		for k, v := range a.header {
			w.Header()[k] = v
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(a.status)
		for ; len(a.body) > 0 && r.Context().Err() == nil; a.body = a.body[1:] {
			_, _ = w.Write(a.body[:1])
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	},
	"other bytes": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.body = bytes.Repeat([]byte("x"), len(a.body))
		a.send(w)
	},
	"other digest": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.header.Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
		a.send(w)
	},
	"part unasked": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.header.Set("Content-Range", "bytes 7-9/10")
		a.status = http.StatusPartialContent
		a.send(w)
	},
	"packed": func(w http.ResponseWriter, _ *http.Request, a answer) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(a.body) // a buffer takes all
		_ = z.Close()
		a.header.Set("Content-Encoding", "gzip")
		a.header.Set("Content-Length", strconv.Itoa(packed.Len()))
		a.body = packed.Bytes()
		a.send(w)
	},
	"to the link": redirect("http://169.254.169.254/"),
	"to https":    redirect("https://127.0.0.1:1/"),
	"to a file":   redirect("file:///etc/passwd"),
	"to itself":   func(w http.ResponseWriter, r *http.Request, _ answer) { redirect(r.URL.String())(w, r, answer{}) },
	"401":         status(401), "403": status(403), "404": status(404), "429": status(429), "500": status(500), "503": status(503),
	"other type": func(w http.ResponseWriter, _ *http.Request, a answer) {
		a.header.Set("Content-Type", "text/html")
		a.send(w)
	},
}

func redirect(to string) func(http.ResponseWriter, *http.Request, answer) {
	return func(w http.ResponseWriter, _ *http.Request, _ answer) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

func status(code int) func(http.ResponseWriter, *http.Request, answer) {
	return func(w http.ResponseWriter, _ *http.Request, _ answer) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(code)
	}
}
