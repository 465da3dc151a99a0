package builder_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/images/oci"
)

var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// fixture is a state directory with a base, and what starts an engine on it.
type fixture struct {
	state  *builder.State
	images *oci.Layout
	base   llb.State
	start  func() (*builder.Engine, error)
}

// newFixture skips where no build can run, which is never so in CI.
func newFixture(t testing.TB) fixture {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("builds need root")
	}
	runc, err := buildertest.Runc()
	if err != nil {
		t.Fatal(err)
	}
	state, err := builder.OpenState(t.TempDir(), "the test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	digest, err := buildertest.Base(state.Images(), "")
	if err != nil {
		t.Fatal(err)
	}
	images, err := oci.OpenLayout(state.Images())
	if err != nil {
		t.Fatal(err)
	}
	return fixture{
		state: state, images: images,
		base: llb.OCILayout("test/base@"+digest.String(), llb.OCIStore("", "images")),
		start: func() (*builder.Engine, error) {
			return builder.Embedded(t.Context(), builder.Options{
				Dir: state.BuildKit(), Runc: runc, Layouts: map[string]string{"images": state.Images()},
			})
		},
	}
}

// step runs a script on the base and returns what it puts into /out.
func (f fixture) step(name, script string, opts ...llb.RunOption) llb.State {
	opts = append(opts, llb.Args([]string{"/bin/bash", "-c", script}), llb.WithCustomName(name))
	return f.base.Run(opts...).AddMount("/out", llb.Scratch())
}

// at is the line of a file that a step was made from.
func at(file string, line int32) llb.RunOption {
	position := &pb.Position{Line: line}
	return llb.NewSourceMap(nil, file, "yaml", []byte(strings.Repeat("\n", int(line)))).
		Location([]*pb.Range{{Start: position, End: position}})
}

func marshal(t testing.TB, s llb.State) *llb.Definition {
	t.Helper()
	def, err := s.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// mount gives a step another one's result to read.
func mount(dir string, s llb.State) llb.RunOption { return llb.AddMount(dir, s, llb.Readonly) }

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
