package engine_test

import (
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
)

// A record of a step says that its result may be gone once BuildKit pruned its
// cache, and no longer when BuildKit told again that it has it.
func TestStepsArePruned(t *testing.T) {
	f := buildertest.New(t)
	made := f.Step("make", "echo made >/out/made")
	head := headOf(t, made)
	build := func(name string) {
		t.Helper()
		user := f.Step(name, "cat /in/made >/out/"+name, buildertest.Mount("/in", made))
		packages := []pack.Package{{Name: name, Definition: buildertest.Marshal(t, user)}}
		if _, err := pack.Layers(t.Context(), f.State, f.Images, packages, time.Unix(0, 0), f.Start, nil); err != nil {
			t.Fatal(err)
		}
	}
	wantLost := func(want bool) {
		t.Helper()
		step, found, err := f.State.Step(head)
		if err != nil || !found || step.Lost != want {
			t.Errorf("found %v, lost %v, %v; want that it is found, and lost %v", found, step.Lost, err, want)
		}
	}
	build("first")
	wantLost(false)

	shrink := func(size int64) {
		t.Helper()
		o := engine.Options{Builder: engine.Builder{Runc: f.Runc}, Dir: f.State.BuildKit()}
		if err := engine.Shrink(t.Context(), o, size); err != nil {
			t.Fatal(err)
		}
	}
	shrink(1 << 40)
	wantLost(false)
	shrink(1)
	wantLost(true)
	build("second")
	wantLost(false)
	build("third") // finds it in the cache
	wantLost(false)
}

func headOf(t *testing.T, s llb.State) digest.Digest {
	t.Helper()
	head, err := buildertest.Marshal(t, s).Head()
	if err != nil {
		t.Fatal(err)
	}
	return head
}
