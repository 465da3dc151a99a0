package registry_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

var (
	update = flag.Bool("update", false, "write what the tests see into testdata")
	full   = flag.Bool("full", false, "try every fault with every object, which takes minutes, and not each with a fourth of them")
)

// waiting are the faults that end when nothing moved for a time.
var waiting = []string{"stalled", "silent", "dripping"}

// stage is a registry with an image, by itself and in an index, to which a note
// is attached.
type stage struct {
	registry string
	image    v1.Hash
	list     lister
	objects  []target
}

// target is an object that a pull asks for, and how errors call it.
type target struct{ name, path, ref, inError string }

func newStage(t *testing.T) *stage {
	t.Helper()
	from, h := imagetest.NodeImage(t, 1)
	attached := imagetest.Attach(t, from, h, imagetest.Note("1"))
	s := &stage{registry: startRegistry(t, ""), image: h}
	pushTo(t, from, h, s.registry+"/roots/site:image")
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{imagetest.ForArch(imagetest.Manifest(t, from, h), "amd64")}})
	if err != nil {
		t.Fatal(err)
	}
	putIndex(t, s.registry, "index", index)
	s.list.found = []v1.Descriptor{imagetest.Manifest(t, from, attached)}
	s.list.found[0].ArtifactType = imagetest.NoteType
	img := objects(t, from, h)
	blob, _, err := v1.SHA256(bytes.NewReader(imagetest.Note("1").Blobs[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	const v2 = "/v2/roots/site/"
	s.objects = []target{
		{"ping", "/v2/", "index", "manifest index from"},
		{"token", "/token", "index", "manifest index from"},
		{"index", v2 + "manifests/index", "index", "manifest "},
		{"manifest", v2 + "manifests/" + h.String(), "index", "manifest " + h.String()},
		{"tag", v2 + "manifests/image", "image", "manifest "},
		{"config", img[2].path, "index", img[2].inError},
		{"layer", img[3].path, "index", img[3].inError},
		{"list", v2 + "referrers/" + h.String(), "index", "attached to image " + h.String()},
		{"listtag", v2 + "manifests/sha256-" + h.Hex, "index", "attached to image " + h.String()},
		{"sigtag", v2 + "manifests/sha256-" + h.Hex + ".sig", "index", "signatures of image " + h.String()},
		{"note", v2 + "manifests/" + attached.String(), "index", "attachment " + attached.String()},
		{"noteblob", v2 + "blobs/" + blob.String(), "index", "attachment " + blob.String()},
	}
	return s
}

func putIndex(t *testing.T, host, tag string, index []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+host+"/v2/roots/site/manifests/"+tag, bytes.NewReader(index))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", string(types.OCIImageIndex))
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

// honest is what the registry would answer, if it wanted tokens and knew what
// refers to an image.
func (s *stage) honest(o target, r *http.Request, a answer) answer {
	rec := httptest.NewRecorder()
	switch {
	case r.URL.Path == "/token":
		rec.Header().Set("Content-Type", "application/json")
		fmt.Fprint(rec, `{"token": "a long word that lets a client in", "expires_in": 300}`)
	case r.Header.Get("Authorization") == "":
		rec.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, r.Host))
		rec.WriteHeader(http.StatusUnauthorized)
	case o.name == "listtag" || !s.list.answer(rec, r, a):
		return a
	}
	return answer{rec.Code, rec.Header(), rec.Body.Bytes()}
}

// proxied serves the registry with a fault of one object, as long as it lasts.
func (s *stage) proxied(t *testing.T, o target, fault string, lasts func() bool) string {
	p := &proxy{to: s.registry}
	p.spoil = func(w http.ResponseWriter, r *http.Request, a answer) bool {
		a = s.honest(o, r, a)
		if r.URL.Path == o.path && lasts() {
			faults[fault](w, r, a)
		} else {
			a.send(w)
		}
		return true
	}
	return p.start(t)
}

var gaveUp = regexp.MustCompile(`gave up after (\d) tries`)

// outcome is a pull's in a word, of the table in testdata.
func outcome(err error) string {
	if err == nil {
		return "pulled"
	}
	if tries := gaveUp.FindStringSubmatch(err.Error()); tries != nil {
		return tries[1] + " tries"
	}
	return "refused"
}

// Whatever a registry does wrong with whatever object, a pull ends: with the
// whole image, or with an error that names the object, and never keeps a wrong
// byte. When the fault is over the next pull succeeds. The tables in testdata
// hold what becomes of each, with a fault that stays and one that passes.
func TestPullFaults(t *testing.T) {
	s := newStage(t)
	for _, stays := range []bool{true, false} {
		file := "testdata/faults-" + map[bool]string{true: "stay", false: "pass"}[stays] + ".txt"
		var mu sync.Mutex
		got := map[string]string{}
		t.Run(filepath.Base(file), func(t *testing.T) {
			for i, fault := range slices.Sorted(maps.Keys(faults)) {
				for j, o := range s.objects {
					if !*full && (i+j)%4 != 0 {
						continue
					}
					t.Run(fault+"/"+o.name, func(t *testing.T) {
						t.Parallel()
						word := s.pull(t, o, fault, stays)
						mu.Lock()
						defer mu.Unlock()
						got[fault+"/"+o.name] = word
					})
				}
			}
		})
		wantTable(t, file, s.objects, got)
		t.Logf("%s: %d faults of %d objects: %d pulls", file, len(faults), len(s.objects), len(got))
	}
}

// pull pulls with a fault that stays, or with one of the first answer alone.
func (s *stage) pull(t *testing.T, o target, fault string, stays bool) string {
	var asked atomic.Int32
	var over atomic.Bool
	address := s.proxied(t, o, fault, func() bool { return !over.Load() && (asked.Add(1) == 1 || stays) })
	ref := imagetest.Reference(t, address+"/roots/site:"+o.ref)
	options := impatient()
	if stays && slices.Contains(waiting, fault) {
		options.Stall = 400 * time.Millisecond
	}
	l := imagetest.NewLayout(t)
	got, err := registry.Pull(t.Context(), l, ref, trust.Unverified, options)
	switch {
	case asked.Load() == 0:
		t.Error("the object was not asked for")
	case err != nil && !strings.Contains(err.Error(), o.inError):
		t.Errorf("error %q, want one with %q", err, o.inError)
	case err != nil && slices.ContainsFunc(imagetest.Index(t, l.Dir()).Manifests, func(d v1.Descriptor) bool { return d.Digest == s.image }):
		t.Error("the index names the image")
	case err == nil && got.Digest != s.image:
		t.Errorf("pulled %s, want %s", got.Digest, s.image)
	case err == nil:
		imagetest.WantWhole(t, l, s.image)
	}
	imagetest.WantNothingWrong(t, l)
	over.Store(true)
	if got, err := registry.Pull(t.Context(), l, ref, trust.Unverified, impatient()); err != nil || got.Digest != s.image {
		t.Fatalf("after the fault: %v, %v, want %s", got, err, s.image)
	}
	imagetest.WantWhole(t, l, s.image)
	wantAttached(t, l.Reference(s.image), s.image, imagetest.Note("1"))
	return outcome(err)
}

// wantTable compares outcomes with a table of a fault a line. What was not tried
// is not compared.
func wantTable(t *testing.T, file string, columns []target, got map[string]string) {
	t.Helper()
	if *update && *full {
		imagetest.Write(t, file, table(columns, func(fault, object string) string { return got[fault+"/"+object] }))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(data)) {
		for i, word := range regexp.MustCompile(`  +`).Split(strings.TrimSpace(line), -1) {
			if i > 0 {
				fault, _, _ := strings.Cut(line, "  ")
				want[fault+"/"+columns[i-1].name] = word
			}
		}
	}
	known := table(columns, func(fault, object string) string { return want[fault+"/"+object] })
	now := table(columns, func(fault, object string) string { return cmp.Or(got[fault+"/"+object], want[fault+"/"+object]) })
	if diff := gocmp.Diff(known, now); diff != "" {
		t.Errorf("%s differs (-want +got); if that is wanted, run the test with -full -update:\n%s", file, diff)
	}
}

// table shows outcomes, a fault a line.
func table(columns []target, cell func(fault, object string) string) string {
	var b strings.Builder
	row := func(name string, cell func(object string) string) {
		line := fmt.Sprintf("%-22s", name)
		for _, c := range columns {
			line += fmt.Sprintf("  %-8s", cell(c.name))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	row("", func(object string) string { return object })
	for _, fault := range slices.Sorted(maps.Keys(faults)) {
		row(fault, func(object string) string { return cell(fault, object) })
	}
	return b.String()
}
