package main

import (
	"context"

	"github.com/spf13/cobra"
)

const rollbackHelp = `rollback makes current name the root again that it named before, by the journal
of switches (see rootbuild log). Another rollback goes one further back: it never
leads to a root that was rolled back from. Roots that were removed are passed over.`

func newRollback(s streams) *cobra.Command {
	var o storeOptions
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "make current name the root that it named before",
		Long:  rollbackHelp,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRollback(cmd.Context(), o, s)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func runRollback(ctx context.Context, o storeOptions, s streams) (err error) {
	store, err := o.open()
	if err != nil {
		return err
	}
	defer closing(store, &err)
	from, err := store.Current()
	if err != nil {
		return err
	}
	to, err := store.Rollback(ctx)
	if err != nil {
		return err
	}
	return switched{from, to}.write(o, s)
}
