package builder_test

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder"
)

// A record of a step says that its result may be gone once BuildKit pruned its
// cache, and no longer when BuildKit told again that it has it.
func TestStepsArePruned(t *testing.T) {
	f := newFixture(t)
	made := f.step("make", "echo made >/out/made")
	head := headOf(t, made)
	build := func(name string) {
		t.Helper()
		user := f.step(name, "cat /in/made >/out/"+name, mount("/in", made))
		packages := []builder.Package{{Name: name, Definition: marshal(t, user)}}
		if _, err := f.state.Layers(t.Context(), f.images, packages, epoch, f.start, nil); err != nil {
			t.Fatal(err)
		}
	}
	wantLost := func(want bool) {
		t.Helper()
		step, found, err := f.state.Step(head)
		if err != nil || !found || step.Lost != want {
			t.Errorf("found %v, lost %v, %v; want that it is found, and lost %v", found, step.Lost, err, want)
		}
	}
	build("first")
	wantLost(false)

	engine, err := f.start()
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Prune(t.Context()); err != nil {
		t.Error(err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	wantLost(true)
	build("second")
	wantLost(false)
	build("third") // finds it in the cache
	wantLost(false)
}

func headOf(t *testing.T, s llb.State) digest.Digest {
	t.Helper()
	head, err := marshal(t, s).Head()
	if err != nil {
		t.Fatal(err)
	}
	return head
}
