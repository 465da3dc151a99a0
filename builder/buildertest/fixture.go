package buildertest

import (
	"os"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Fixture is a state directory with a base, and what starts an engine on it.
type Fixture struct {
	State  *state.State
	Images *oci.Layout
	Base   llb.State
	Runc   string
	Start  func() (pack.Engine, error)
}

// New skips where no build can run, which is never so in CI.
func New(t testing.TB) Fixture {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("builds need root")
	}
	runc, err := Runc()
	if err != nil {
		t.Fatal(err)
	}
	s, err := state.Open(t.TempDir(), "the test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	digest, err := Base(s.Images(), "")
	if err != nil {
		t.Fatal(err)
	}
	images, err := oci.OpenLayout(s.Images())
	if err != nil {
		t.Fatal(err)
	}
	f := Fixture{
		State: s, Images: images, Runc: runc,
		Base: llb.OCILayout("test/base@"+digest.String(), llb.OCIStore("", "images")),
	}
	return f.On(t, engine.Builder{Runc: runc})
}

// On has the builds of a fixture run on a builder.
func (f Fixture) On(t testing.TB, b engine.Builder) Fixture {
	f.State.Use(b)
	f.Start = func() (pack.Engine, error) {
		return engine.Start(t.Context(), engine.Options{
			Dir: f.State.BuildKit(), Builder: b, Layouts: map[string]string{"images": f.State.Images()},
		})
	}
	return f
}

// Step runs a script on the base and returns what it puts into /out.
func (f Fixture) Step(name, script string, opts ...llb.RunOption) llb.State {
	opts = append(opts, llb.Args([]string{"/bin/bash", "-c", script}), llb.WithCustomName(name))
	return f.Base.Run(opts...).AddMount("/out", llb.Scratch())
}

// At is the line of a file that a step was made from.
func At(file string, line int32) llb.RunOption {
	position := &pb.Position{Line: line}
	return llb.NewSourceMap(nil, file, "yaml", []byte(strings.Repeat("\n", int(line)))).
		Location([]*pb.Range{{Start: position, End: position}})
}

// Marshal returns the definition of a state.
func Marshal(t testing.TB, s llb.State) *llb.Definition {
	t.Helper()
	def, err := s.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// Mount gives a step another one's result to read.
func Mount(dir string, s llb.State) llb.RunOption { return llb.AddMount(dir, s, llb.Readonly) }
