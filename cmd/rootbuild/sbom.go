package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/spf13/cobra"
)

// The types of what says what an image consists of.
const (
	sbomType       = "application/spdx+json"
	sourceListType = "application/vnd.rootbuild.sources.v1+json"
)

// attachSBOM keeps beside an image its bill of materials and the list of its
// sources. They follow from the graph and the digest alone, so an image that was
// built before gets them too.
func (b build) attachSBOM(digest v1.Hash) error {
	sbom, err := b.graph.SBOM(digest.String())
	if err != nil {
		return err
	}
	list, err := b.graph.SourceListJSON(digest.String())
	if err != nil {
		return err
	}
	for _, blob := range []oci.AttachedBlob{
		{MediaType: sbomType, Title: b.graph.Target.Name + ".spdx.json", Data: sbom},
		{MediaType: sourceListType, Title: b.graph.Target.Name + ".sources.json", Data: list},
	} {
		// A licence that is put right changes the SBOM and not the image.
		if _, err := b.layout.AttachOnly(digest, oci.Attachment{Type: blob.MediaType, Blobs: []oci.AttachedBlob{blob}}); err != nil {
			return err
		}
	}
	return nil
}

const sbomHelp = `sbom prints what an image consists of, as an SPDX 2.3 document in JSON: its
packages and the tools that made them, each with version, licence and sources.

The image is named as push takes it (a node root's TAG, a target, NAME@DIGEST, a
layout), or by its reference in a registry. The document was attached to it when
it was built; who attached it, only a signature of it could say.`

// sbomOptions are the flags of sbom.
type sbomOptions struct {
	nfsroot  string
	sources  bool
	registry registryOptions
	state    stateOptions
}

func newSBOM(s streams) *cobra.Command {
	var o sbomOptions
	cmd := &cobra.Command{
		Use:   "sbom TAG|LAYOUT|REF",
		Short: "print an image's bill of materials, or its sources",
		Long:  sbomHelp,
		Args:  exactly(1, "whose: rootbuild sbom TAG|LAYOUT|REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSBOM(cmd.Context(), args[0], o, s)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.sources, "sources", false, "print the list of sources instead, as JSON")
	f.StringVar(&o.nfsroot, "nfsroot", "/diskless/nfsroot", "directory of node roots")
	o.registry.addFlags(cmd)
	o.state.addFlags(cmd)
	return cmd
}

func runSBOM(ctx context.Context, what string, o sbomOptions, s streams) error {
	options, err := o.registry.options()
	if err != nil {
		return err
	}
	at, err := findAnywhere(what, filepath.Join(o.state.dir, "images"), o.nfsroot)
	if err != nil {
		return err
	}
	digest, err := oci.Resolve(ctx, at, options)
	if err != nil {
		return err
	}
	artifactType, name := sbomType, "SBOM"
	if o.sources {
		artifactType, name = sourceListType, "list of sources"
	}
	list, err := oci.Attachments(ctx, at, digest, artifactType, options)
	if err != nil {
		return err
	}
	if len(list) == 0 || len(list[0].Blobs) == 0 {
		return fmt.Errorf("the image %s has no %s attached: build it again with this rootbuild, and push it again", at.At(digest), name)
	}
	if len(list) > 1 {
		fmt.Fprintf(s.err, "%d of the type %s are attached to %s, by different builds; this is the first by its digest\n", len(list), artifactType, at.At(digest))
	}
	_, err = s.out.Write(list[0].Blobs[0].Data)
	return err
}

// findAnywhere is findImage, for images in registries too: their references have
// a slash, which no tag has.
func findAnywhere(what, images, roots string) (oci.Reference, error) {
	local := strings.HasPrefix(what, "oci:") || strings.HasPrefix(what, "oci-archive:")
	if local || !strings.Contains(what, "/") {
		return findImage(what, images, roots)
	}
	return parseRegistry(what)
}
