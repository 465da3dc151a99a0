package builder

import (
	"context"

	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Initramfs builds the image of a graph and writes its files and some modules of a
// kernel to file, packed as cpio.Compress reads its name. It returns the file's
// sha256, in hex.
func (s *State) Initramfs(ctx context.Context, graph stages.Graph, modules kmod.Set, file string, o Options) (string, error) {
	digest, err := s.Build(ctx, graph, o)
	if err != nil {
		return "", err
	}
	layout, err := oci.OpenLayout(s.Images())
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
