package main

import (
	"context"
	"time"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

type collectVerb struct {
	flags.Store
	keep flags.Retention
	yes  bool
}

func (v *collectVerb) AddFlags(cmd *cobra.Command) {
	v.Store.AddFlags(cmd)
	v.keep.AddFlags(cmd)
	cmd.Flags().BoolVar(&v.yes, "yes", false, "do it")
}

func (v *collectVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	policy, err := v.keep.Policy()
	if err != nil {
		return err
	}
	policy.Now = time.Now()
	plan, err := v.collect(ctx, policy, s)
	if err != nil {
		return err
	}
	if !v.yes && !v.JSON {
		defer s.Note("nothing was changed; --yes does it")
	}
	return s.Tell(plan.Collection(v.yes), v.JSON)
}

// collect collects, or looks without a lock what a collection would do.
func (v *collectVerb) collect(ctx context.Context, policy nfsroot.Policy, s cli.Streams) (plan nfsroot.Plan, err error) {
	if !v.yes {
		view, err := v.View()
		if err != nil {
			return nfsroot.Plan{}, err
		}
		return view.Plan(policy)
	}
	err = v.Change(s, func(store *nfsroot.Store) error {
		plan, err = store.Collect(ctx, policy)
		return err
	})
	return plan, err
}
