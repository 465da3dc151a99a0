package trust

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Judge asks a policy about an image with one blob for its signature, without a
// layout: a fuzzer needs thousands of them.
func Judge(p Policy, image v1.Hash, b oci.AttachedBlob) (Verdict, error) {
	return p.judge(oci.Reference{}, image, []signed{readSignature(b)})
}
