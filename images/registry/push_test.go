package registry_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Only what the registry lacks is sent, and the manifest when the rest is there.
func TestPush(t *testing.T) {
	p := &proxy{to: startRegistry(t, "")}
	address := p.start(t)
	l, h := imagetest.NodeImage(t, 1)
	pushTo(t, l, h, address+"/roots/site:1")
	if n := len(p.requests("PUT /v2/roots/site/blobs/")); n != 4 {
		t.Errorf("%d blobs were sent, want the config and 3 layers", n)
	}
	if last := p.log[len(p.log)-1]; !strings.HasPrefix(last, "PUT /v2/roots/site/manifests/1") {
		t.Errorf("the last request is %s, want the manifest", last)
	}
	pushTo(t, l, h, address+"/roots/site:2")
	if n := len(p.requests("PUT /v2/roots/site/blobs/")); n != 4 {
		t.Errorf("%d blobs were sent by both, want 4", n)
	}
	pushTo(t, l, h, address+"/roots/site@"+h.String())
	_, err := registry.Push(t.Context(), l.Reference(h), imagetest.Reference(t, address+"/roots/site@sha256:"+strings.Repeat("0", 64)), impatient())
	imagetest.WantError(t, err, "the image is "+h.String())
}

// A damaged blob is told as such, and the registry does not get its image.
func TestPushDamaged(t *testing.T) {
	address := startRegistry(t, "")
	l, h := imagetest.NodeImage(t, 1)
	imagetest.DamageLayer(t, l, h)
	_, err := registry.Push(t.Context(), l.Reference(h), imagetest.Reference(t, address+"/roots/site:1"), impatient())
	imagetest.WantError(t, err, "sending layer sha256:")
	_, err = registry.Pull(t.Context(), imagetest.NewLayout(t), imagetest.Reference(t, address+"/roots/site:1"), trust.Unverified, impatient())
	imagetest.WantError(t, err, "404")
}

// What passes is tried again; what stays is an error that names the object.
func TestPushFaults(t *testing.T) {
	host := startRegistry(t, "")
	l, h := imagetest.NodeImage(t, 1)
	for _, request := range []struct{ method, path, inError string }{
		{"GET", "/v2/", "503"},
		{"HEAD", "/blobs/sha256:", "sending "},
		{"POST", "/blobs/uploads/", "sending "},
		{"PUT", "/blobs/uploads/", ""}, // the registry got it, and says so when asked again
		{"PUT", "/manifests/1", "sending manifest " + h.String()},
	} {
		for _, name := range []string{"503", "reset"} {
			t.Run(name+" "+request.method+" "+request.path, func(t *testing.T) {
				var left atomic.Int32
				p := &proxy{to: host}
				p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
					hit := r.Method == request.method && strings.Contains(r.URL.Path, request.path) && left.Add(-1) >= 0
					if hit {
						faults[name](w, r, a)
					}
					return hit
				}
				address := p.start(t)
				left.Store(1)
				pushTo(t, l, h, address+"/once/"+strings.ToLower(request.method)+name+":1")
				left.Store(1000)
				_, err := registry.Push(t.Context(), l.Reference(h), imagetest.Reference(t, address+"/always/"+strings.ToLower(request.method)+name+":1"), impatient())
				if request.path == "/v2/" && name == "reset" {
					imagetest.WantError(t, err, "gave up after 5 tries")
					return
				}
				imagetest.WantError(t, err, request.inError)
			})
		}
	}
}

func TestPushToLayout(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	_, err := registry.Push(t.Context(), l.Reference(h), imagetest.Reference(t, "oci:x"), registry.Options{})
	imagetest.WantError(t, err, "the destination is no registry")
}

// An interrupt ends a push, and its error says so.
func TestPushInterrupted(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	p := &proxy{to: startRegistry(t, "")}
	p.spoil = func(_ http.ResponseWriter, r *http.Request, _ answer) bool {
		if r.Method == http.MethodPost {
			cancel()
		}
		return false
	}
	_, err := registry.Push(ctx, l.Reference(h), imagetest.Reference(t, p.start(t)+"/roots/site:1"), impatient())
	if !errors.Is(err, ctx.Err()) || err == nil {
		t.Errorf("error %v, want %v", err, ctx.Err())
	}
}
