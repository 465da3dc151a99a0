package registry_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
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
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	layer := objects(t, from, h)[3]
	var mended atomic.Bool
	p := &proxy{to: host}
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
	ref := imagetest.Reference(t, p.start(t)+"/roots/site:1")
	l := imagetest.NewLayout(t)
	_, err := registry.Pull(t.Context(), l, ref, trust.Unverified, impatient())
	imagetest.WantError(t, err, "404")
	mended.Store(true)
	if _, err := registry.Pull(t.Context(), l, ref, trust.Unverified, impatient()); err != nil {
		t.Fatal(err)
	}
	asked := p.requests(layer.path)
	if last := asked[len(asked)-1]; !strings.Contains(last, "bytes=") || strings.Contains(last, "bytes=0-") {
		t.Errorf("the next run asked %q, want a range", last)
	}
	imagetest.WantWhole(t, l, h)
	if left := imagetest.Names(t, filepath.Join(l.Dir(), "partial")); len(left) != 0 {
		t.Errorf("left of the blobs: %q", left)
	}
}

// What a disk lost of a broken download is noticed, and fetched again.
func TestPullDropsDamagedPart(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
	_, digest, _ := strings.Cut(objects(t, from, h)[3].inError, "sha256:")
	for _, size := range []int{1000, 1 << 20} {
		l := imagetest.NewLayout(t)
		imagetest.Write(t, filepath.Join(l.Dir(), "partial", digest), strings.Repeat("\x00", size))
		if _, err := registry.Pull(t.Context(), l, imagetest.Reference(t, host+"/roots/site:1"), trust.Unverified, impatient()); err != nil {
			t.Fatal(err)
		}
		imagetest.WantWhole(t, l, h)
	}
}

// Ranges that are ignored, or answered with others, spoil nothing.
func TestPullOddRanges(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:1")
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
			p := &proxy{to: host}
			p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
				if r.URL.Path == layer.path && r.Header.Get("Range") != "" {
					reply(w, a)
					return true
				}
				return false
			}
			l := imagetest.NewLayout(t)
			imagetest.Write(t, filepath.Join(l.Dir(), "partial", layer.path[strings.LastIndex(layer.path, ":")+1:]), string(data[:1000]))
			if _, err := registry.Pull(t.Context(), l, imagetest.Reference(t, p.start(t)+"/roots/site:1"), trust.Unverified, impatient()); err != nil {
				t.Fatal(err)
			}
			if len(p.requests("bytes=1000-")) == 0 {
				t.Error("no range was asked for")
			}
			imagetest.WantWhole(t, l, h)
		})
	}
}

// A tag that moves while its image is pulled gives the one image, whole.
func TestPullMovingTag(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	other, otherH := imagetest.NodeImage(t, 2)
	pushTo(t, from, h, host+"/roots/site:1")
	config := objects(t, from, h)[2]
	p := &proxy{to: host}
	p.spoil = func(_ http.ResponseWriter, r *http.Request, _ answer) bool {
		if r.URL.Path == config.path {
			pushTo(t, other, otherH, host+"/roots/site:1")
		}
		return false
	}
	ref := imagetest.Reference(t, p.start(t)+"/roots/site:1")
	l := imagetest.NewLayout(t)
	for _, want := range []v1.Hash{h, otherH} {
		got, err := registry.Pull(t.Context(), l, ref, trust.Unverified, impatient())
		if err != nil || got.Digest != want {
			t.Fatalf("pulled %s, %v, want %s", got.Digest, err, want)
		}
		imagetest.WantWhole(t, l, want)
	}
}

// A pull of a changed image moves what changed.
func TestPullOnlyWhatIsMissing(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	next, nextH := imagetest.NodeImage(t, 2)
	pushTo(t, from, h, host+"/roots/site:1")
	pushTo(t, next, nextH, host+"/roots/site:2")
	l := imagetest.NewLayout(t)
	for _, step := range []struct {
		tag   string
		blobs int
	}{{"1", 4}, {"1", 0}, {"2", 2}} {
		got, err := registry.Pull(t.Context(), l, imagetest.Reference(t, host+"/roots/site:"+step.tag), trust.Unverified, impatient())
		if err != nil || got.Blobs != step.blobs {
			t.Errorf("pull of %s moved %d blobs, %v, want %d", step.tag, got.Blobs, err, step.blobs)
		}
	}
}

// An image that names its media type nowhere but in the answer is one too.
func TestPullUntypedManifest(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	data, err := os.ReadFile(from.BlobPath(h))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "mediaType")
	d := imagetest.Put(t, from, m, types.OCIManifestSchema1)
	imagetest.Enter(t, from, d)
	pushTo(t, from, d.Digest, host+"/roots/site:1")
	for _, ref := range []string{"/roots/site:1", "/roots/site@" + d.Digest.String()} {
		l := imagetest.NewLayout(t)
		if _, err := registry.Pull(t.Context(), l, imagetest.Reference(t, host+ref), trust.Unverified, impatient()); err != nil {
			t.Fatal(err)
		}
		imagetest.WantWhole(t, l, d.Digest)
	}
}

// An index in a registry leads to the image for linux/amd64.
func TestPullRemoteIndex(t *testing.T) {
	host := startRegistry(t, "")
	from, h := imagetest.NodeImage(t, 1)
	pushTo(t, from, h, host+"/roots/site:one")
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{imagetest.ForArch(imagetest.Manifest(t, from, h), "amd64")}})
	if err != nil {
		t.Fatal(err)
	}
	putIndex(t, host, "1", index)
	l := imagetest.NewLayout(t)
	got, err := registry.Pull(t.Context(), l, imagetest.Reference(t, host+"/roots/site:1"), trust.Unverified, impatient())
	if err != nil || got.Digest != h {
		t.Fatalf("pulled %s, %v, want %s", got.Digest, err, h)
	}
	imagetest.WantWhole(t, l, h)
}
