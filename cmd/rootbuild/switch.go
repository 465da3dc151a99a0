package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot"
)

type switchVerb struct{ taggedOptions }

func (v *switchVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	return v.move(s, func(store *nfsroot.Store) (string, error) { return args[0], store.Switch(ctx, args[0]) })
}

type rollbackVerb struct{ storeOptions }

func (v *rollbackVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	return v.move(s, func(store *nfsroot.Store) (string, error) { return store.Rollback(ctx) })
}

// move tells what became of current, by f.
func (o storeOptions) move(s cli.Streams, f func(*nfsroot.Store) (to string, err error)) (err error) {
	store, err := o.open(s)
	if err != nil {
		return err
	}
	defer cli.Closing(store, &err)
	from, err := store.Current()
	if err != nil {
		return err
	}
	to, err := f(store)
	if err != nil {
		return err
	}
	moved := nfsroot.Moved{From: from, To: to}
	if !o.json {
		s.Note(moved.String())
	}
	return s.Tell(moved, o.json)
}
