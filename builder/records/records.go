// Package records tells what a state directory knows of stages: whether their steps are
// done, of what and how fast they were made, and where they were taken from.
package records

import (
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Stages are those of a graph in a state.
type Stages struct {
	Graph   stages.Graph
	State   *state.State
	Layout  *oci.Layout
	Outputs map[string]stages.Outputs // none without a base
}

// Steps are what the records know of the two steps of a stage.
type Steps struct {
	Step           digest.Digest // that collects
	Build, Collect state.Step
	Built, Sorted  bool // the step was done, and BuildKit has its result
}

// Look reads the records of a stage's steps.
func (s Stages) Look(ctx context.Context, name string) (Steps, error) {
	out, ok := s.Outputs[name]
	if !ok {
		return Steps{}, nil
	}
	var f Steps
	var err error
	if _, f.Build, f.Built, err = StepOf(ctx, s.State, out.Build); err != nil {
		return f, err
	}
	f.Step, f.Collect, f.Sorted, err = StepOf(ctx, s.State, out.Root)
	f.Built = f.Built && !f.Build.Lost
	f.Sorted = f.Sorted && !f.Collect.Lost
	if err == nil && len(s.State.Several()) > 0 {
		err = s.lookHere(ctx, out, &f)
	}
	return f, err
}

// lookHere says whether a stage is done where several builders share the work: if what
// it gave lies here, whoever made it.
func (s Stages) lookHere(ctx context.Context, out stages.Outputs, f *Steps) error {
	recorded := f.Sorted
	f.Sorted = true
	for _, o := range packages.Outputs {
		_, found, err := Layer(ctx, s.State, s.Layout, out, o)
		if err != nil {
			return err
		}
		f.Sorted = f.Sorted && found
	}
	f.Built, f.Collect.Lost = f.Sorted, recorded && !f.Sorted
	return nil
}

// Layer returns the layer of an output, if it is in the state's layout.
func Layer(ctx context.Context, s *state.State, layout *oci.Layout, out stages.Outputs, o packages.Output) (oci.Layer, bool, error) {
	def, err := definition.Of(ctx, string(o), *definition.Output(&out, o))
	if err != nil {
		return oci.Layer{}, false, err
	}
	return s.Layer(layout, definition.Key(def))
}

// Took is how many seconds a step ran, 0 if that is not known.
func Took(s state.Step) float64 {
	if s.Cached {
		return 0
	}
	return s.Completed.Sub(s.Started).Seconds()
}

// StepOf returns the step that makes an LLB state with its record, and whether there
// is one.
func StepOf(ctx context.Context, in *state.State, s llb.State) (digest.Digest, state.Step, bool, error) {
	head, err := definition.Head(ctx, s)
	if err != nil {
		return "", state.Step{}, false, err
	}
	step, done, err := in.Step(head)
	return head, step, done, err
}
