package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
)

type switchVerb struct{ flags.Tagged }

func (v *switchVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	return move(v.Store, s, func(store *nfsroot.Store) (string, error) { return args[0], store.Switch(ctx, args[0]) })
}

type rollbackVerb struct{ flags.Store }

func (v *rollbackVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	return move(v.Store, s, func(store *nfsroot.Store) (string, error) { return store.Rollback(ctx) })
}

// move tells what became of current, by f.
func move(o flags.Store, s cli.Streams, f func(*nfsroot.Store) (to string, err error)) error {
	return o.Change(s, func(store *nfsroot.Store) error {
		from, err := store.Current()
		if err != nil {
			return err
		}
		to, err := f(store)
		if err != nil {
			return err
		}
		moved := nfsroot.Moved{From: from, To: to}
		if !o.JSON {
			s.Note(moved.String())
		}
		return s.Tell(moved, o.JSON)
	})
}
