package main

import (
	"context"
	"time"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/spf13/cobra"
)

type listVerb struct {
	storeOptions
	keep retentionOptions
}

func (v *listVerb) AddFlags(cmd *cobra.Command) {
	v.storeOptions.AddFlags(cmd)
	v.keep.AddFlags(cmd)
}

func (v *listVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	policy, err := v.keep.policy()
	if err != nil {
		return err
	}
	view, err := v.view()
	if err != nil {
		return err
	}
	policy.Now = time.Now()
	plan, err := view.Plan(policy)
	if err != nil {
		return err
	}
	return s.Tell(plan.Listing(policy.Now), v.json)
}
