package builder

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// What several builders make comes back, and is kept: the layer of each output, under
// the definition that the output has if everything is built in one place.

// kept returns the layer of an output, if it is here.
func (s *State) kept(ctx context.Context, layout *oci.Layout, out stages.Outputs, o packages.Output) (oci.Layer, bool, error) {
	def, err := marshal(ctx, string(o), *output(&out, o))
	if err != nil {
		return oci.Layer{}, false, err
	}
	return s.layer(layout, Key(def))
}

// lookHere says whether a stage is done where several builders share the work: if what
// it gave lies here, whoever made it.
func (p planner) lookHere(ctx context.Context, out stages.Outputs, f *stepRecords) error {
	recorded := f.sorted
	f.sorted = true
	for _, o := range outputNames {
		_, found, err := p.state.kept(ctx, p.layout, out, o)
		if err != nil {
			return err
		}
		f.sorted = f.sorted && found
	}
	f.built, f.collect.Lost = f.sorted, recorded && !f.sorted
	return nil
}

// input is an output that stages are built with, on whatever builder: an image in the
// layout of this host.
type input struct {
	state llb.State
	step  digest.Digest // by which a builder fetches it
	layer packages.Layer
}

// inputOf makes a layer an input. The image says nothing of where the layer is from, so
// that what has the same files is the same input.
func (b build) inputOf(ctx context.Context, n need, l oci.Layer) (input, error) {
	if len(l.Entries) == 0 {
		return input{state: llb.Scratch(), layer: packedLayer(n.output, l)}, nil
	}
	image, err := b.layout.WriteImage(oci.ImageOptions{
		Layers: []oci.LayerRef{l.Ref("a stage")}, Platform: b.platform(), Epoch: b.graph.Target.Epoch,
	})
	if err != nil {
		return input{}, err
	}
	return b.imageInput(ctx, n, image)
}

func (b build) imageInput(ctx context.Context, n need, image v1.Hash) (input, error) {
	state := llb.OCILayout("rootbuild/stage@"+image.String(), llb.OCIStore("", baseStore), llb.WithCustomName(n.String()))
	head, err := headOf(ctx, state)
	if err != nil {
		return input{}, err
	}
	img, err := b.layout.Image(image)
	if err != nil {
		return input{}, err
	}
	m, err := img.Manifest()
	if err != nil {
		return input{}, err
	}
	return input{state, head, packages.Layer{Digest: m.Layers[0].Digest, Size: m.Layers[0].Size}}, nil
}
