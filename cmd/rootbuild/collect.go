package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
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
says what it mounts may hold any root, so all stay: see docs/store.md.`

func newCollect(s streams) *cobra.Command {
	var o storeOptions
	var keep retentionOptions
	var yes bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "remove node roots that nothing holds; shows them, unless --yes",
		Long:  collectHelp,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCollect(cmd.Context(), yes, o, keep, s)
		},
	}
	o.addFlags(cmd)
	keep.addFlags(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

func runCollect(ctx context.Context, yes bool, o storeOptions, keep retentionOptions, s streams) error {
	policy, err := keep.policy()
	if err != nil {
		return err
	}
	policy.Now = time.Now()
	plan, err := collectOrPlan(ctx, yes, o, policy)
	if err != nil {
		return err
	}
	report := newCollection(plan, yes)
	if o.json {
		return writeJSON(s.out, report)
	}
	if !yes {
		defer fmt.Fprintln(s.err, "nothing was changed; --yes does it")
	}
	return report.write(s.out)
}

// collectOrPlan collects, or looks without a lock what a collection would do.
func collectOrPlan(ctx context.Context, yes bool, o storeOptions, policy nfsroot.Policy) (_ nfsroot.Plan, err error) {
	if !yes {
		view, err := nfsroot.OpenReadOnly(o.dir)
		if err != nil {
			return nfsroot.Plan{}, err
		}
		return view.Plan(policy)
	}
	store, err := o.open()
	if err != nil {
		return nfsroot.Plan{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.Collect(ctx, policy)
}

// The actions of a collection.
const (
	actionKeep   = "keep"
	actionTrash  = "trash"
	actionDelete = "delete"
)

// collection is what gc did, or would do.
type collection struct {
	Done  bool            `json:"done"`
	Roots []collectedRoot `json:"roots"`
	Trash []collectedRoot `json:"trash"`
}

// collectedRoot is a root, or what was one and is in the trash.
type collectedRoot struct {
	Action string           `json:"action"`
	Tag    string           `json:"tag"`
	Size   int64            `json:"size,omitempty"`
	Since  time.Time        `json:"trashed,omitzero"`
	Kept   []nfsroot.Reason `json:"kept"`
}

func newCollection(plan nfsroot.Plan, done bool) collection {
	c := collection{Done: done, Roots: []collectedRoot{}, Trash: []collectedRoot{}}
	for _, r := range plan.Roots {
		c.Roots = append(c.Roots, collectedRoot{Action: actionOf(r.Kept, actionTrash), Tag: r.Tag, Size: r.Size, Kept: r.Kept})
	}
	for _, t := range plan.Trash {
		c.Trash = append(c.Trash, collectedRoot{Action: actionOf(t.Kept, actionDelete), Tag: t.Tag, Since: t.Since, Kept: t.Kept})
	}
	return c
}

func actionOf(kept []nfsroot.Reason, otherwise string) string {
	if len(kept) > 0 {
		return actionKeep
	}
	return otherwise
}

func (c collection) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACTION\tTAG\tMIB\tWHY")
	for _, r := range c.Roots {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.Action, r.Tag, mebibytes(r.Size), whyKept(r.Kept))
	}
	for _, t := range c.Trash {
		fmt.Fprintf(table, "%s\t%s\t\tin the trash since %s; %s\n", t.Action, t.Tag, t.Since.Local().Format(time.DateTime), whyKept(t.Kept))
	}
	return table.Flush()
}

func whyKept(kept []nfsroot.Reason) string {
	if len(kept) == 0 {
		return "nothing holds it"
	}
	var list []string
	for _, r := range kept {
		list = append(list, r.String())
	}
	return strings.Join(list, "; ")
}
