package oci_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/oci"
)

// An object of the image, and the requests that ask for it.
type object struct{ name, path, inError string }

func objects(t *testing.T, l *oci.Layout, h v1.Hash) []object {
	t.Helper()
	img, err := l.Image(h)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	blob := func(name string, h v1.Hash) object {
		return object{name, "/v2/roots/site/blobs/" + h.String(), name + " " + h.String()}
	}
	return []object{
		{"ping", "/v2/", "manifest 1"},
		{"manifest", "/v2/roots/site/manifests/1", "manifest "},
		blob("config", m.Config.Digest),
		blob("layer", m.Layers[1].Digest),
	}
}

// A blob that broke off is asked for from where it broke, in the next run too.
func TestPullResumes(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	pushTo(t, from, h, registry+"/roots/site:1")
	layer := objects(t, from, h)[3]
	var mended atomic.Bool
	p := &proxy{to: registry}
	p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
		switch {
		case r.URL.Path != layer.path || mended.Load():
			return false
		case r.Header.Get("Range") == "":
			faults["cut off"](w, r, a)
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	ref := reference(t, p.start(t)+"/roots/site:1")
	l := newLayout(t)
	_, err := l.Pull(t.Context(), ref, oci.Unverified, impatient())
	wantError(t, err, "404")
	mended.Store(true)
	if _, err := l.Pull(t.Context(), ref, oci.Unverified, impatient()); err != nil {
		t.Fatal(err)
	}
	asked := p.requests(layer.path)
	if last := asked[len(asked)-1]; !strings.Contains(last, "bytes=") || strings.Contains(last, "bytes=0-") {
		t.Errorf("the next run asked %q, want a range", last)
	}
	wantWhole(t, l, h)
	if left := names(t, filepath.Join(l.Dir(), "partial")); len(left) != 0 {
		t.Errorf("left of the blobs: %q", left)
	}
}

// What a disk lost of a broken download is noticed, and fetched again.
func TestPullDropsDamagedPart(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	pushTo(t, from, h, registry+"/roots/site:1")
	_, digest, _ := strings.Cut(objects(t, from, h)[3].inError, "sha256:")
	for _, size := range []int{1000, 1 << 20} {
		l := newLayout(t)
		write(t, filepath.Join(l.Dir(), "partial", digest), strings.Repeat("\x00", size))
		if _, err := l.Pull(t.Context(), reference(t, registry+"/roots/site:1"), oci.Unverified, impatient()); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, l, h)
	}
}

// Ranges that are ignored, or answered with others, spoil nothing.
func TestPullOddRanges(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	pushTo(t, from, h, registry+"/roots/site:1")
	layer := objects(t, from, h)[3]
	data, err := os.ReadFile(filepath.Join(from.Dir(), "blobs/sha256", layer.path[strings.LastIndex(layer.path, ":")+1:]))
	if err != nil {
		t.Fatal(err)
	}
	odd := map[string]func(w http.ResponseWriter, a answer){
		"ignored": func(w http.ResponseWriter, a answer) { answer{200, http.Header{}, data}.send(w) },
		"other": func(w http.ResponseWriter, a answer) {
			a.header.Set("Content-Range", "bytes 1-2/3")
			a.send(w)
		},
		"refused": func(w http.ResponseWriter, _ answer) { w.WriteHeader(http.StatusRequestedRangeNotSatisfiable) },
	}
	for name, reply := range odd {
		t.Run(name, func(t *testing.T) {
			p := &proxy{to: registry}
			p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
				if r.URL.Path == layer.path && r.Header.Get("Range") != "" {
					reply(w, a)
					return true
				}
				return false
			}
			l := newLayout(t)
			write(t, filepath.Join(l.Dir(), "partial", layer.path[strings.LastIndex(layer.path, ":")+1:]), string(data[:1000]))
			if _, err := l.Pull(t.Context(), reference(t, p.start(t)+"/roots/site:1"), oci.Unverified, impatient()); err != nil {
				t.Fatal(err)
			}
			if len(p.requests("bytes=1000-")) == 0 {
				t.Error("no range was asked for")
			}
			wantWhole(t, l, h)
		})
	}
}

// A tag that moves while its image is pulled gives the one image, whole.
func TestPullMovingTag(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	other, otherH := nodeImage(t, 2)
	pushTo(t, from, h, registry+"/roots/site:1")
	config := objects(t, from, h)[2]
	p := &proxy{to: registry}
	p.spoil = func(_ http.ResponseWriter, r *http.Request, _ answer) bool {
		if r.URL.Path == config.path {
			pushTo(t, other, otherH, registry+"/roots/site:1")
		}
		return false
	}
	ref := reference(t, p.start(t)+"/roots/site:1")
	l := newLayout(t)
	for _, want := range []v1.Hash{h, otherH} {
		got, err := l.Pull(t.Context(), ref, oci.Unverified, impatient())
		if err != nil || got.Digest != want {
			t.Fatalf("pulled %s, %v, want %s", got.Digest, err, want)
		}
		wantWhole(t, l, want)
	}
}

// A pull of a changed image moves what changed.
func TestPullOnlyWhatIsMissing(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	next, nextH := nodeImage(t, 2)
	pushTo(t, from, h, registry+"/roots/site:1")
	pushTo(t, next, nextH, registry+"/roots/site:2")
	l := newLayout(t)
	for _, step := range []struct {
		tag   string
		blobs int
	}{{"1", 4}, {"1", 0}, {"2", 2}} {
		got, err := l.Pull(t.Context(), reference(t, registry+"/roots/site:"+step.tag), oci.Unverified, impatient())
		if err != nil || got.Blobs != step.blobs {
			t.Errorf("pull of %s moved %d blobs, %v, want %d", step.tag, got.Blobs, err, step.blobs)
		}
	}
}

// An image that names its media type nowhere but in the answer is one too.
func TestPullUntypedManifest(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	data, err := os.ReadFile(from.BlobPath(h))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "mediaType")
	d := put(t, from, m, types.OCIManifestSchema1)
	enter(t, from, d)
	pushTo(t, from, d.Digest, registry+"/roots/site:1")
	for _, ref := range []string{"/roots/site:1", "/roots/site@" + d.Digest.String()} {
		l := newLayout(t)
		if _, err := l.Pull(t.Context(), reference(t, registry+ref), oci.Unverified, impatient()); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, l, d.Digest)
	}
}

// An index in a registry leads to the image for linux/amd64.
func TestPullRemoteIndex(t *testing.T) {
	registry := startRegistry(t, "")
	from, h := nodeImage(t, 1)
	pushTo(t, from, h, registry+"/roots/site:one")
	info := stat(t, from.BlobPath(h))[0]
	d := v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: info.Size(), Digest: h}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{forArch(d, "amd64")}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+registry+"/v2/roots/site/manifests/1", bytes.NewReader(index))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", string(types.OCIImageIndex))
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	l := newLayout(t)
	got, err := l.Pull(t.Context(), reference(t, registry+"/roots/site:1"), oci.Unverified, impatient())
	if err != nil || got.Digest != h {
		t.Fatalf("pulled %s, %v, want %s", got.Digest, err, h)
	}
	wantWhole(t, l, h)
}
