package registry_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// startTLS serves a proxy by https, and returns its address and options that
// trust it.
func startTLS(t *testing.T, p *proxy) (string, registry.Options) {
	t.Helper()
	s := httptest.NewTLSServer(p)
	t.Cleanup(s.Close)
	o := impatient()
	o.PlainHTTP = false
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(s.Certificate())
	return strings.TrimPrefix(s.URL, "https://"), o
}

func TestPullTLS(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	address, o := startTLS(t, &proxy{to: host})
	l := imagetest.NewLayout(t)
	if _, err := registry.Pull(t.Context(), l, imagetest.Reference(t, address+"/roots/site:1"), trust.Unverified, o); err != nil {
		t.Error(err)
	}
	imagetest.WantWhole(t, l, h)
	o.RootCAs = nil
	_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, address+"/roots/site:1"), trust.Unverified, o)
	imagetest.WantError(t, err, "certificate signed by unknown authority")
	_, err = registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, host+"/roots/site:1"), trust.Unverified, registry.Options{})
	imagetest.WantError(t, err, "plain http to "+host+" is refused: it does not answer https")
}

// trap is a server on another address of this machine that no registry may
// send its clients to. It fails the test when it is asked.
func trap(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked", r.Method, r.URL)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://127.0.0.1:")
}

// A registry may send its clients on, but neither from https to http nor to
// this machine or link, where other services listen.
func TestPullRedirects(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	port := trap(t)
	for _, o := range objects(t, from, h)[1:] {
		for _, tt := range []struct {
			name, to string
			plain    bool
			want     string
		}{
			{"https to http", "http://example.org/", false, "plain http to example.org is refused"},
			{"https to http of its own", "http://127.0.0.1:" + port, false, "plain http to 127.0.0.1:" + port + " is refused"},
			{"to a file", "file:///etc/passwd", true, "neither https nor http"},
			{"to the link", "http://169.254.169.254/latest", true, "may not send its clients to this machine or link"},
			{"to another loopback address", "http://127.0.0.2:" + port, true, "may not send its clients to this machine or link"},
			{"to a name of it", "http://localhost:" + port, true, "may not send its clients to this machine or link"},
			{"to nowhere", "http://0.0.0.0:" + port, true, "may not send its clients to this machine or link"},
			{"to IPv6", "http://[::1]:" + port, true, "may not send its clients to this machine or link"},
			{"to IPv4 in IPv6", "http://[::ffff:127.0.0.1]:" + port, true, "may not send its clients to this machine or link"},
		} {
			t.Run(tt.name+"/"+o.name, func(t *testing.T) {
				p := &proxy{to: host}
				p.spoil = func(w http.ResponseWriter, r *http.Request, _ answer) bool {
					if r.URL.Path != o.path {
						return false
					}
					w.Header().Set("Location", tt.to)
					w.WriteHeader(http.StatusTemporaryRedirect)
					return true
				}
				address, options := startTLS(t, p)
				if tt.plain {
					address, options = p.start(t), impatient()
				}
				_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, address+"/roots/site:1"), trust.Unverified, options)
				imagetest.WantError(t, err, tt.want)
				imagetest.WantError(t, err, o.inError)
			})
		}
	}
}

// To another path, and without end.
func TestPullRedirectsAtHome(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	layer := objects(t, from, h)[3]
	for to, want := range map[string]string{"http://" + host + layer.path: "", layer.path: "stopped after 10 redirects"} {
		p := &proxy{to: host}
		p.spoil = func(w http.ResponseWriter, r *http.Request, _ answer) bool {
			if r.URL.Path != layer.path {
				return false
			}
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return true
		}
		_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, p.start(t)+"/roots/site:1"), trust.Unverified, impatient())
		imagetest.WantError(t, err, want)
	}
}

// The service that gives tokens is named by the registry too.
func TestPullTokenRealms(t *testing.T) {
	port := trap(t)
	for realm, want := range map[string]string{
		"http://169.254.169.254/token":     "169.254.169.254",
		"http://127.0.0.2:" + port:         "127.0.0.2",
		"http://localhost:" + port:         "may not send its clients",
		"file:///etc/passwd":               "file",
		"https://[fe80::1]/token":          "fe80",
		"http://127.0.0.1:" + port + "/tk": "127.0.0.1",
	} {
		t.Run(realm, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=x", realm))
				w.WriteHeader(http.StatusUnauthorized)
			}))
			defer s.Close()
			ref := imagetest.Reference(t, strings.TrimPrefix(s.URL, "http://")+"/roots/site:1")
			_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), ref, trust.Unverified, impatient())
			imagetest.WantError(t, err, want)
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

// Credentials are those that docker login keeps.
func TestCredentials(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	passwords := filepath.Join(t.TempDir(), "htpasswd")
	imagetest.Write(t, passwords, "builder:"+string(hash)+"\n")
	host := startRegistry(t, fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}\n", passwords))
	from, h := imagetest.NodeImage(t, 1)
	ref := imagetest.Reference(t, host+"/roots/site:1")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	_, err = registry.Push(t.Context(), from.Reference(h), ref, impatient())
	imagetest.WantError(t, err, "401 Unauthorized: log in with docker login")
	token := base64.StdEncoding.EncodeToString([]byte("builder:secret"))
	imagetest.Write(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, token))
	pushTo(t, from, h, host+"/roots/site:1")
	l := imagetest.NewLayout(t)
	if _, err := registry.Pull(t.Context(), l, ref, trust.Unverified, impatient()); err != nil {
		t.Fatal(err)
	}
	imagetest.WantWhole(t, l, h)
}

// Mirrors are asked in their order; what they have not, or have wrong, comes
// from the next.
func TestPullMirrors(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	pushTo(t, from, h, host+"/mirror/roots/site:1")
	layer := objects(t, from, h)[3]
	bad := &proxy{to: host}
	bad.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
		if !strings.HasSuffix(r.URL.Path, strings.TrimPrefix(layer.path, "/v2/roots/site")) {
			return false
		}
		faults["corrupt"](w, r, a)
		return true
	}
	good := &proxy{to: host}
	o := impatient()
	o.Mirrors = []string{"127.0.0.1:1", bad.start(t) + "/mirror", good.start(t) + "/nothing"}
	l := imagetest.NewLayout(t)
	got, err := registry.Pull(t.Context(), l, imagetest.Reference(t, host+"/roots/site@"+h.String()), trust.Unverified, o)
	if err != nil || got.Digest != h {
		t.Fatalf("pulled %s, %v, want %s", got.Digest, err, h)
	}
	imagetest.WantWhole(t, l, h)
	imagetest.WantNothingWrong(t, l)
	if len(bad.requests("/v2/mirror/roots/site/manifests/sha256:")) == 0 || len(good.requests("/v2/nothing/roots/site/blobs/")) != 1 {
		t.Errorf("the mirrors were asked %q and %q", bad.log, good.log)
	}
	o.Mirrors = []string{"mirror"}
	imagetest.WantError(t, o.Check(), `mirror "mirror": `)
}

// An interrupt ends a pull at once, whatever it waits for.
func TestPullInterrupted(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	for _, o := range objects(t, from, h) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &proxy{to: host}
		p.spoil = func(_ http.ResponseWriter, r *http.Request, _ answer) bool {
			if r.URL.Path == o.path {
				cancel()
				<-r.Context().Done()
			}
			return false
		}
		l := imagetest.NewLayout(t)
		_, err := registry.Pull(ctx, l, imagetest.Reference(t, p.start(t)+"/roots/site:1"), trust.Unverified, registry.Options{PlainHTTP: true})
		imagetest.WantError(t, err, "context canceled")
		imagetest.WantNothingWrong(t, l)
		cancel()
	}
}

// What a token service calls its refusal reaches no terminal as it came.
func TestPullTokenServiceWords(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors": [{"code": "\u001b[2J`+strings.Repeat("x", 1000)+`"}]}`)
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, r.Host))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer s.Close()
	ref := imagetest.Reference(t, strings.TrimPrefix(s.URL, "http://")+"/roots/site:1")
	_, err := registry.Pull(t.Context(), imagetest.NewLayout(t), ref, trust.Unverified, impatient())
	imagetest.WantError(t, err, `\x1b[2Jxxx`)
	if text := err.Error(); strings.Contains(text, "\x1b") || len(text) > 500 {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}
