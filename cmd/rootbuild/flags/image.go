package flags

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/spf13/cobra"
)

// Image says where a verb finds an image that a person names.
type Image struct {
	NFSRoot string // directory of node roots
	State   State
}

// AddFlags adds the flags of both directories.
func (o *Image) AddFlags(cmd *cobra.Command) {
	AddNFSRoot(cmd, &o.NFSRoot)
	o.State.AddFlags(cmd)
}

// Find returns an image of a node root, of the state directory, or of a layout.
func (o Image) Find(what string) (oci.Reference, error) {
	return deploy.FindImage(what, o.State.Images(), o.NFSRoot)
}

// FindAnywhere is Find, for images in registries too: their references have a slash,
// which no tag has.
func (o Image) FindAnywhere(what string) (oci.Reference, error) {
	if oci.IsLocal(what) || !strings.Contains(what, "/") {
		return o.Find(what)
	}
	return ParseRegistry(what)
}

// Digest returns the digest of an image that Find finds.
func (o Image) Digest(what string) (v1.Hash, error) {
	ref, err := o.Find(what)
	if err != nil {
		return v1.Hash{}, err
	}
	return deploy.DigestOf(ref.String(), o.NFSRoot)
}
