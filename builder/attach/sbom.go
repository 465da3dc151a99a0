package attach

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// The types of what is attached to an image and says what it consists of.
const (
	// SBOMType is that of a bill of materials: an SPDX 2.3 document in JSON.
	SBOMType = "application/spdx+json"
	// SourceListType is that of the list of sources, in JSON.
	SourceListType = "application/vnd.rootbuild.sources.v1+json"
)

// SBOM keeps beside an image its bill of materials and the list of its
// sources. They follow from the graph and the digest alone, so an image that was
// built before gets them too.
func SBOM(layout *oci.Layout, graph stages.Graph, digest v1.Hash) error {
	sbom, err := graph.SBOM(digest.String())
	if err != nil {
		return err
	}
	list, err := graph.SourceListJSON(digest.String())
	if err != nil {
		return err
	}
	for _, blob := range []oci.AttachedBlob{
		{MediaType: SBOMType, Title: graph.Target.Name + ".spdx.json", Data: sbom},
		{MediaType: SourceListType, Title: graph.Target.Name + ".sources.json", Data: list},
	} {
		// A licence that is put right changes the SBOM and not the image.
		if _, err := layout.AttachOnly(digest, oci.Attachment{Type: blob.MediaType, Blobs: []oci.AttachedBlob{blob}}); err != nil {
			return err
		}
	}
	return nil
}
