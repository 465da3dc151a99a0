package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

const removeHelp = `rm moves node roots to the trash, .rootbuild/trash below the directory of roots.
They stay whole there until rootbuild gc finds their grace over. A root that is
current, or that a node holds or may hold, is refused with the reason; then none
of those named is removed.`

func newRemove(s streams) *cobra.Command {
	var o storeOptions
	var use useOptions
	cmd := &cobra.Command{
		Use:   "rm TAG...",
		Short: "remove node roots that nothing uses",
		Long:  removeHelp,
		Args:  tagArgs(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRemove(cmd.Context(), args, o, use, s)
		},
		ValidArgsFunction: o.completeTags,
	}
	o.addFlags(cmd)
	use.addFlags(cmd)
	return cmd
}

// removed is what rm did.
type removed struct {
	Trashed []string `json:"trashed"`
}

func runRemove(ctx context.Context, tags []string, o storeOptions, use useOptions, s streams) (err error) {
	sources, err := use.sources()
	if err != nil {
		return err
	}
	store, err := o.open()
	if err != nil {
		return err
	}
	defer closing(store, &err)
	if err := store.Remove(ctx, tags, sources); err != nil {
		return err
	}
	if o.json {
		return writeJSON(s.out, removed{tags})
	}
	for _, tag := range tags {
		if _, err := fmt.Fprintln(s.out, tag); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.err, "in the trash; rootbuild gc --yes deletes it when its grace is over")
	return nil
}
