package main

import (
	"cmp"
	"context"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/spf13/cobra"
)

type packagesVerb struct {
	from     flags.Packages
	json     bool
	registry flags.Registry
}

func (v *packagesVerb) AddFlags(cmd *cobra.Command) {
	v.from.AddPolicy(cmd)
	cmd.Flags().BoolVar(&v.json, "json", false, "as JSON")
	v.registry.AddFlags(cmd)
}

func (v *packagesVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	v.from.From = args
	places, judged, err := v.from.ToList(v.registry)
	if err != nil {
		return err
	}
	if len(places) == 0 {
		return cli.UsageErrorf("name a place: rootbuild packages HOST/REPOSITORY, oci:DIR or oci-archive:FILE; or put places into " + flags.PackagesFile)
	}
	list, err := packages.List(ctx, places, judged)
	if err != nil {
		return err
	}
	return cmp.Or(s.Tell(list, v.json), list.Err())
}
