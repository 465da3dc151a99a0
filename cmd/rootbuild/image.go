package main

import (
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/spf13/cobra"
)

// imageOptions are the flags of a verb that a person tells an image by name.
type imageOptions struct {
	nfsroot string
	state   stateOptions
}

func (o *imageOptions) AddFlags(cmd *cobra.Command) {
	addNFSRoot(cmd, &o.nfsroot)
	o.state.AddFlags(cmd)
}

// images is the layout of the state directory.
func (o imageOptions) images() string { return filepath.Join(o.state.dir, "images") }

// find returns an image of a node root, of the state directory, or of a layout.
func (o imageOptions) find(what string) (oci.Reference, error) {
	return deploy.FindImage(what, o.images(), o.nfsroot)
}

// findAnywhere is find, for images in registries too: their references have a slash,
// which no tag has.
func (o imageOptions) findAnywhere(what string) (oci.Reference, error) {
	if oci.IsLocal(what) || !strings.Contains(what, "/") {
		return o.find(what)
	}
	return parseRegistry(what)
}

// digest returns the digest of an image that find finds.
func (o imageOptions) digest(what string) (v1.Hash, error) {
	ref, err := o.find(what)
	if err != nil {
		return v1.Hash{}, err
	}
	return deploy.DigestOf(ref.String(), o.nfsroot)
}
