// Package definition turns what stages give into definitions: LLB on the layouts of a
// state directory, ready to run, whose digest is the key of what it gave.
package definition

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/stages"
)

// The names by which LLB knows the layouts of the state directory.
const (
	SourceStore = "distfiles"
	BaseStore   = "images"
)

// Of marshals a state. The name is for an error.
func Of(ctx context.Context, name string, s llb.State) (*llb.Definition, error) {
	def, err := s.Marshal(ctx)
	if err != nil {
		return nil, fmt.Errorf("internal error: marshalling %s: %w", name, err)
	}
	return def, nil
}

// Key names a definition: the digest of its last operation, and with that of
// every operation and source below it. Equal keys mean equal builds.
func Key(def *llb.Definition) digest.Digest {
	return digest.FromBytes(def.Def[len(def.Def)-1])
}

// Head returns the step that makes a state.
func Head(ctx context.Context, s llb.State) (digest.Digest, error) {
	def, err := s.Marshal(ctx)
	if err != nil {
		return "", fmt.Errorf("internal error: marshalling a stage: %w", err)
	}
	head, err := def.Head()
	if err != nil {
		return "", fmt.Errorf("internal error: marshalling a stage: %w", err)
	}
	return head, nil
}

// Inputs are what the stages of a graph are built on, if none is taken from elsewhere.
func Inputs(base v1.Hash) stages.Inputs {
	state := llb.OCILayout("rootbuild/base@"+base.String(), llb.OCIStore("", BaseStore), llb.WithCustomName("base "+base.Hex[:12]))
	return stages.Inputs{Store: SourceStore, Base: state}
}

// Output is one of those of a stage.
func Output(of *stages.Outputs, o packages.Output) *llb.State {
	switch o {
	case packages.Root:
		return &of.Root
	case packages.Dev:
		return &of.Dev
	}
	return &of.Tools
}

// Need is an output of a stage.
type Need struct {
	Stage  string
	Output packages.Output
}

// String names the output for the progress: "tools of gcc".
func (n Need) String() string { return fmt.Sprintf("%s of %s", n.Output, n.Stage) }

// Needs are what a stage is built with, in the order of mounting.
func Needs(graph stages.Graph, name string) []Need {
	var list []Need
	for _, tool := range graph.Tools(name) {
		list = append(list, Need{tool, packages.Tools})
	}
	for _, dep := range graph.BuildClosure(name) {
		list = append(list, Need{dep, packages.Root}, Need{dep, packages.Dev})
	}
	return list
}
