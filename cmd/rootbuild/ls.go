package main

import (
	"context"
	"time"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

type listVerb struct {
	flags.Store
	keep flags.Retention
}

func (v *listVerb) AddFlags(cmd *cobra.Command) {
	v.Store.AddFlags(cmd)
	v.keep.AddFlags(cmd)
}

func (v *listVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	policy, err := v.keep.Policy()
	if err != nil {
		return err
	}
	policy.Now = time.Now()
	return flags.Look(v.Store, s, func(view *nfsroot.View) (nfsroot.Listing, error) {
		plan, err := view.Plan(policy)
		return plan.Listing(policy.Now), err
	})
}
