package oci

import v1 "github.com/google/go-containerregistry/pkg/v1"

// Judge asks a policy about an image with one blob for its signature, without a
// layout: a fuzzer needs thousands of them.
func Judge(p Policy, image v1.Hash, b AttachedBlob) (Verdict, error) {
	return p.judge(Reference{}, image, []signed{readSignature(b)})
}
