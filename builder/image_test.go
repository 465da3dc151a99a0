package builder_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/images/oci"
)

// packages are two, the second built from the first.
func packages(t testing.TB, f fixture) []builder.Package {
	low := f.step("low", "mkdir /out/etc && echo low >/out/etc/low && chown 7:8 /out/etc/low")
	high := f.step("high", "mkdir /out/etc && cat /low/etc/low /low/etc/low >/out/etc/high", mount("/low", low))
	return []builder.Package{
		{Name: "low", Definition: marshal(t, low)},
		{Name: "high", Definition: marshal(t, high)},
	}
}

func (f fixture) layers(t testing.TB, packages []builder.Package) []oci.Layer {
	t.Helper()
	layers, err := f.state.Layers(t.Context(), f.images, packages, epoch, f.start, nil)
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

func TestLayers(t *testing.T) {
	one, two := newFixture(t), newFixture(t)
	first := one.layers(t, packages(t, one))
	if second := two.layers(t, packages(t, two)); !cmp.Equal(first, second) {
		t.Errorf("another state gives other layers (-first +second):\n%s", cmp.Diff(first, second))
	}
	want := map[string]string{"etc": "0:0", "etc/high": "0:0", "etc/low": "7:8"}
	if diff := cmp.Diff(want, owners(first)); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}

	one.start = func() (*builder.Engine, error) { return nil, errors.New("an engine was started") }
	if again := one.layers(t, packages(t, one)); !cmp.Equal(first, again) {
		t.Errorf("from the records (-first +again):\n%s", cmp.Diff(first, again))
	}
}

// A layer that is no longer there is made again, though its record is.
func TestLayersLost(t *testing.T) {
	f := newFixture(t)
	first := f.layers(t, packages(t, f))
	if err := os.Remove(f.images.BlobPath(first[0].Digest)); err != nil {
		t.Fatal(err)
	}
	if again := f.layers(t, packages(t, f)); !cmp.Equal(first, again) {
		t.Errorf("(-first +again):\n%s", cmp.Diff(first, again))
	}
	if !f.images.Has(first[0].Digest) {
		t.Error("the layer is not there")
	}
}

func TestLayersOverlap(t *testing.T) {
	f := newFixture(t)
	one := marshal(t, f.step("one", "mkdir /out/etc && echo one >/out/etc/same"))
	two := marshal(t, f.step("two", "mkdir /out/etc && echo two >/out/etc/same"))
	_, err := f.state.Layers(t.Context(), f.images, []builder.Package{{Name: "one", Definition: one}, {Name: "two", Definition: two}}, epoch, f.start, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "packages one and two both bring /etc/same: ") {
		t.Errorf("got %v, want an error about /etc/same", err)
	}
	f.layers(t, []builder.Package{{Name: "one", Definition: one, Fallback: true}, {Name: "two", Definition: two}})

	private := marshal(t, f.step("private", "mkdir -m 0700 /out/etc"))
	_, err = f.state.Layers(t.Context(), f.images, []builder.Package{{Name: "one", Definition: one}, {Name: "private", Definition: private}}, epoch, f.start, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "packages one and private bring the directory /etc as 0755 0:0 and 0700 0:0: ") {
		t.Errorf("got %v, want an error about the modes of /etc", err)
	}
}

// What goes wrong with the tree is the error, not what BuildKit makes of it.
func TestWriteFails(t *testing.T) {
	f := newFixture(t)
	engine, err := f.start()
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	full := errors.New("no room")
	err = engine.Build(t.Context(), []builder.Job{{
		Name: "low", Definition: packages(t, f)[0].Definition,
		Write: func(context.Context, io.Reader) error { return full },
	}}, nil)
	if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "building low: ") {
		t.Errorf("got %v, want building low: ... no room", err)
	}
}

// BenchmarkNoop is a build that has nothing to do.
func BenchmarkNoop(b *testing.B) {
	f := newFixture(b)
	p := packages(b, f)
	f.layers(b, p)
	for b.Loop() {
		f.layers(b, p)
	}
}
