package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/spf13/cobra"
)

const sbomHelp = `sbom prints what an image consists of, as an SPDX 2.3 document in JSON: its
packages and the tools that made them, each with version, licence and sources.

The image is named as push takes it (a node root's TAG, a target, NAME@DIGEST, a
layout), or by its reference in a registry. The document was attached to it when
it was built; who attached it, only a signature of it could say.`

type sbomVerb struct {
	image    imageOptions
	sources  bool
	registry registryOptions
}

func (v *sbomVerb) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&v.sources, "sources", false, "print the list of sources instead, as JSON")
	v.image.addFlags(cmd)
	v.registry.addFlags(cmd)
}

func (v *sbomVerb) run(ctx context.Context, args []string, s streams) error {
	options, err := v.registry.options()
	if err != nil {
		return err
	}
	at, err := v.image.findAnywhere(args[0])
	if err != nil {
		return err
	}
	digest, err := registry.Resolve(ctx, at, options)
	if err != nil {
		return err
	}
	artifactType, name := builder.SBOMType, "SBOM"
	if v.sources {
		artifactType, name = builder.SourceListType, "list of sources"
	}
	list, err := registry.Attachments(ctx, at, digest, artifactType, options)
	if err != nil {
		return err
	}
	if len(list) == 0 || len(list[0].Blobs) == 0 {
		return fmt.Errorf("the image %s has no %s attached: build it again with this rootbuild, and push it again", at.At(digest), name)
	}
	if len(list) > 1 {
		fmt.Fprintf(s.err, "%d of the type %s are attached to %s, by different builds; this is the first by its digest\n", len(list), artifactType, at.At(digest))
	}
	_, err = s.file.Write(list[0].Blobs[0].Data)
	return err
}
