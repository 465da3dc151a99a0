package main

import (
	"context"

	"github.com/rootbuild/rootbuild/nfsroot"
)

type switchVerb struct{ taggedOptions }

func (v *switchVerb) run(ctx context.Context, args []string, s streams) error {
	return v.move(s, func(store *nfsroot.Store) (string, error) { return args[0], store.Switch(ctx, args[0]) })
}

type rollbackVerb struct{ storeOptions }

func (v *rollbackVerb) run(ctx context.Context, _ []string, s streams) error {
	return v.move(s, func(store *nfsroot.Store) (string, error) { return store.Rollback(ctx) })
}

// move tells what became of current, by f.
func (o storeOptions) move(s streams, f func(*nfsroot.Store) (to string, err error)) (err error) {
	store, err := o.open(s)
	if err != nil {
		return err
	}
	defer closing(store, &err)
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
		s.note(moved.String())
	}
	return s.tell(moved, o.json)
}
