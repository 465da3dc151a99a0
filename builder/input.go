package builder

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
)

// input is an output that stages are built with, on whatever builder: an image in the
// layout of this host.
type input struct {
	state llb.State
	step  digest.Digest // by which a builder fetches it
	layer packages.Layer
}

// inputOf makes a layer an input. The image says nothing of where the layer is from, so
// that what has the same files is the same input.
func (b build) inputOf(ctx context.Context, n definition.Need, l oci.Layer) (input, error) {
	if len(l.Entries) == 0 {
		return input{state: llb.Scratch(), layer: packages.LayerOf(n.Output, l)}, nil
	}
	image, err := b.layout.WriteImage(oci.ImageOptions{
		Layers: []oci.LayerRef{l.Ref("a stage")}, Platform: b.platform(), Epoch: b.graph.Target.Epoch,
	})
	if err != nil {
		return input{}, err
	}
	return b.imageInput(ctx, n, image)
}

func (b build) imageInput(ctx context.Context, n definition.Need, image v1.Hash) (input, error) {
	state := llb.OCILayout("rootbuild/stage@"+image.String(), llb.OCIStore("", definition.BaseStore), llb.WithCustomName(n.String()))
	head, err := definition.Head(ctx, state)
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
