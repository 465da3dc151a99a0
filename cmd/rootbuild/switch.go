package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newSwitch(s streams) *cobra.Command {
	var o storeOptions
	cmd := &cobra.Command{
		Use:   "switch TAG",
		Short: "make current name another root; booted nodes keep theirs",
		Args:  tagArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSwitch(cmd.Context(), args[0], o, s)
		},
		ValidArgsFunction: o.completeTags,
	}
	o.addFlags(cmd)
	return cmd
}

// switched is what became of current.
type switched struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func runSwitch(ctx context.Context, tag string, o storeOptions, s streams) (err error) {
	store, err := o.open()
	if err != nil {
		return err
	}
	defer closing(store, &err)
	from, err := store.Current()
	if err != nil {
		return err
	}
	if err := store.Switch(ctx, tag); err != nil {
		return err
	}
	return switched{from, tag}.write(o, s)
}

func (w switched) write(o storeOptions, s streams) error {
	if o.json {
		return writeJSON(s.out, w)
	}
	switch w.From {
	case "":
		fmt.Fprintf(s.err, "current -> %s\n", w.To)
	case w.To:
		fmt.Fprintf(s.err, "current -> %s, as before\n", w.To)
	default:
		fmt.Fprintf(s.err, "current -> %s, was %s\n", w.To, w.From)
	}
	_, err := fmt.Fprintln(s.out, w.To)
	return err
}
