package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/attach"
	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
)

type sbomVerb struct {
	image      flags.Image
	sources    bool
	provenance bool
	registry   flags.Registry
}

func (v *sbomVerb) AddFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&v.sources, "sources", false, "print the list of sources instead, as JSON")
	cmd.Flags().BoolVar(&v.provenance, "provenance", false, "print how the image was built instead, as an in-toto statement (SLSA)")
	v.image.AddFlags(cmd)
	v.registry.AddFlags(cmd)
}

func (v *sbomVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if v.sources && v.provenance {
		return cli.UsageErrorf("--sources and --provenance: want one of them")
	}
	options, err := v.registry.Options()
	if err != nil {
		return err
	}
	at, err := v.image.FindAnywhere(args[0])
	if err != nil {
		return err
	}
	digest, err := registry.Resolve(ctx, at, options)
	if err != nil {
		return err
	}
	artifactType, name := attach.SBOMType, "SBOM"
	switch {
	case v.sources:
		artifactType, name = attach.SourceListType, "list of sources"
	case v.provenance:
		artifactType, name = provenance.Type, "provenance"
	}
	list, err := registry.Attachments(ctx, at, digest, artifactType, options)
	if err != nil {
		return err
	}
	if v.provenance { // others attach other statements of that type
		list = slices.DeleteFunc(list, func(a oci.Attachment) bool { return !trust.IsProvenance(a, digest) })
	}
	if len(list) == 0 || len(list[0].Blobs) == 0 {
		return fmt.Errorf("the image %s has no %s attached: build it again with this rootbuild, and push it again", at.At(digest), name)
	}
	if len(list) > 1 {
		fmt.Fprintf(s.Err, "%d of the type %s are attached to %s, by different builds; this is the first by its digest\n", len(list), artifactType, at.At(digest))
	}
	_, err = s.File.Write(list[0].Blobs[0].Data)
	return err
}
