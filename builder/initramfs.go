package builder

import (
	"context"

	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Initramfs builds the image of a graph and writes its files and some modules of a
// kernel to file, packed as cpio.Compress reads its name. It returns the file's
// sha256, in hex.
func Initramfs(ctx context.Context, in *state.State, graph stages.Graph, modules kmod.Set, file string, o Options) (string, error) {
	digest, err := Build(ctx, in, graph, o)
	if err != nil {
		return "", err
	}
	layout, err := oci.OpenLayout(in.Images())
	if err != nil {
		return "", err
	}
	image, err := layout.Image(digest)
	if err != nil {
		return "", err
	}
	tree, err := cpio.FromImage(image)
	if err != nil {
		return "", err
	}
	if err := modules.AddTo(tree); err != nil {
		return "", err
	}
	return cpio.WriteFile(file, tree, graph.Target.Epoch)
}
