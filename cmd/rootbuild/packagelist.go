package main

import (
	"cmp"
	"context"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/spf13/cobra"
)

type packagesVerb struct {
	from     packageOptions
	json     bool
	registry registryOptions
}

func (v *packagesVerb) AddFlags(cmd *cobra.Command) {
	v.from.addPolicy(cmd)
	cmd.Flags().BoolVar(&v.json, "json", false, "as JSON")
	v.registry.AddFlags(cmd)
}

func (v *packagesVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	v.from.from = args
	refs, err := v.from.refs()
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		return cli.UsageErrorf("name a place: rootbuild packages HOST/REPOSITORY, oci:DIR or oci-archive:FILE; or put places into " + packagesFile)
	}
	policy, judged := trust.Policy{}, v.from.policy != ""
	if !judged {
		if judged, err = trust.HasPolicy(policyFile); err != nil {
			return cli.UsageError{Err: err}
		}
	}
	if judged {
		if policy, err = v.from.load(); err != nil {
			return err
		}
	}
	places, err := placesBy(policy, refs, v.registry)
	if err != nil {
		return err
	}
	list, err := packages.List(ctx, places, judged)
	if err != nil {
		return err
	}
	return cmp.Or(s.Tell(list, v.json), list.Err())
}
