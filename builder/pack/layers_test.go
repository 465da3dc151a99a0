package pack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/images/oci"
)

// packages are two, the second built from the first.
func packages(t testing.TB, f buildertest.Fixture) []pack.Package {
	low := f.Step("low", "mkdir /out/etc && echo low >/out/etc/low && chown 7:8 /out/etc/low")
	high := f.Step("high", "mkdir /out/etc && cat /low/etc/low /low/etc/low >/out/etc/high", buildertest.Mount("/low", low))
	return []pack.Package{
		{Name: "low", Definition: buildertest.Marshal(t, low)},
		{Name: "high", Definition: buildertest.Marshal(t, high)},
	}
}

var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func layersOf(t testing.TB, f buildertest.Fixture, packages []pack.Package) []oci.Layer {
	t.Helper()
	layers, err := pack.Layers(t.Context(), f.State, f.Images, packages, epoch, f.Start, nil)
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

// owners maps the paths of layers to their owners.
func owners(layers []oci.Layer) map[string]string {
	paths := map[string]string{}
	for _, l := range layers {
		for _, e := range l.Entries {
			paths[e.Path] = fmt.Sprintf("%d:%d", e.UID, e.GID)
		}
	}
	return paths
}

func TestLayers(t *testing.T) {
	one, two := buildertest.New(t), buildertest.New(t)
	first := layersOf(t, one, packages(t, one))
	if second := layersOf(t, two, packages(t, two)); !cmp.Equal(first, second) {
		t.Errorf("another state gives other layers (-first +second):\n%s", cmp.Diff(first, second))
	}
	want := map[string]string{"etc": "0:0", "etc/high": "0:0", "etc/low": "7:8"}
	if diff := cmp.Diff(want, owners(first)); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}

	one.Start = func() (pack.Engine, error) { return nil, errors.New("an engine was started") }
	if again := layersOf(t, one, packages(t, one)); !cmp.Equal(first, again) {
		t.Errorf("from the records (-first +again):\n%s", cmp.Diff(first, again))
	}
}

// A layer that is no longer there is made again, though its record is.
func TestLayersLost(t *testing.T) {
	f := buildertest.New(t)
	first := layersOf(t, f, packages(t, f))
	if err := os.Remove(f.Images.BlobPath(first[0].Digest)); err != nil {
		t.Fatal(err)
	}
	if again := layersOf(t, f, packages(t, f)); !cmp.Equal(first, again) {
		t.Errorf("(-first +again):\n%s", cmp.Diff(first, again))
	}
	if !f.Images.Has(first[0].Digest) {
		t.Error("the layer is not there")
	}
}

func TestLayersOverlap(t *testing.T) {
	f := buildertest.New(t)
	one := buildertest.Marshal(t, f.Step("one", "mkdir /out/etc && echo one >/out/etc/same"))
	two := buildertest.Marshal(t, f.Step("two", "mkdir /out/etc && echo two >/out/etc/same"))
	_, err := pack.Layers(t.Context(), f.State, f.Images, []pack.Package{{Name: "one", Definition: one}, {Name: "two", Definition: two}}, epoch, f.Start, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "packages one and two both bring /etc/same: ") {
		t.Errorf("got %v, want an error about /etc/same", err)
	}
	layersOf(t, f, []pack.Package{{Name: "one", Definition: one, Fallback: true}, {Name: "two", Definition: two}})

	private := buildertest.Marshal(t, f.Step("private", "mkdir -m 0700 /out/etc"))
	_, err = pack.Layers(t.Context(), f.State, f.Images, []pack.Package{{Name: "one", Definition: one}, {Name: "private", Definition: private}}, epoch, f.Start, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "packages one and private bring the directory /etc as 0755 0:0 and 0700 0:0: ") {
		t.Errorf("got %v, want an error about the modes of /etc", err)
	}
}

// What goes wrong with the tree is the error, not what BuildKit makes of it.
func TestWriteFails(t *testing.T) {
	f := buildertest.New(t)
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	full := errors.New("no room")
	err = e.Build(t.Context(), []engine.Job{{
		Name: "low", Definition: packages(t, f)[0].Definition,
		Write: func(context.Context, io.Reader) error { return full },
	}}, engine.Watch{})
	if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "building low: ") {
		t.Errorf("got %v, want building low: ... no room", err)
	}
}

// BenchmarkNoop is a build that has nothing to do.
func BenchmarkNoop(b *testing.B) {
	f := buildertest.New(b)
	p := packages(b, f)
	layersOf(b, f, p)
	for b.Loop() {
		layersOf(b, f, p)
	}
}
