package main

import (
	"context"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

const collectHelp = `gc moves node roots that nothing holds to the trash, and deletes what has been
there for the grace. It shows what goes, what stays and why, and does it only
with --yes.

A root stays while it is current, while rollback would go to it, while a node
holds it or may hold it, while it is one of the last of its target (--keep), and
for a time after it was unpacked or current (--grace). A node of which nobody
says what it mounts may hold any root, so all stay: see docs/store.md.

gc is for the node roots of a master; the state directory of who builds is what
rootbuild prune is for.`

type collectVerb struct {
	storeOptions
	keep retentionOptions
	yes  bool
}

func (v *collectVerb) addFlags(cmd *cobra.Command) {
	v.storeOptions.addFlags(cmd)
	v.keep.addFlags(cmd)
	cmd.Flags().BoolVar(&v.yes, "yes", false, "do it")
}

func (v *collectVerb) run(ctx context.Context, _ []string, s streams) error {
	policy, err := v.keep.policy()
	if err != nil {
		return err
	}
	policy.Now = time.Now()
	plan, err := v.collect(ctx, policy, s)
	if err != nil {
		return err
	}
	if !v.yes && !v.json {
		defer s.note("nothing was changed; --yes does it")
	}
	return s.tell(plan.Collection(v.yes), v.json)
}

// collect collects, or looks without a lock what a collection would do.
func (v *collectVerb) collect(ctx context.Context, policy nfsroot.Policy, s streams) (_ nfsroot.Plan, err error) {
	if !v.yes {
		view, err := v.view()
		if err != nil {
			return nfsroot.Plan{}, err
		}
		return view.Plan(policy)
	}
	store, err := v.open(s)
	if err != nil {
		return nfsroot.Plan{}, err
	}
	defer closing(store, &err)
	return store.Collect(ctx, policy)
}
