package main

import (
	"context"
	"fmt"
	"io"

	"github.com/rootbuild/rootbuild/nfsroot"
)

type switchVerb struct{ taggedOptions }

func (v *switchVerb) run(ctx context.Context, args []string, s streams) error {
	return v.move(s, func(store *nfsroot.Store) (string, error) { return args[0], store.Switch(ctx, args[0]) })
}

const rollbackHelp = `rollback makes current name the root again that it named before, by the journal
of switches (see rootbuild log). Another rollback goes one further back: it never
leads to a root that was rolled back from. Roots that were removed are passed over.`

type rollbackVerb struct{ storeOptions }

func (v *rollbackVerb) run(ctx context.Context, _ []string, s streams) error {
	return v.move(s, func(store *nfsroot.Store) (string, error) { return store.Rollback(ctx) })
}

// move tells what became of current, by f.
func (o storeOptions) move(s streams, f func(*nfsroot.Store) (to string, err error)) (err error) {
	store, err := o.open()
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
	w := switched{from, to}
	if !o.json {
		s.note(w.String())
	}
	return s.tell(w, o.json)
}

// switched is what became of current.
type switched struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// String tells a person.
func (w switched) String() string {
	switch w.From {
	case "":
		return "current -> " + w.To
	case w.To:
		return fmt.Sprintf("current -> %s, as before", w.To)
	}
	return fmt.Sprintf("current -> %s, was %s", w.To, w.From)
}

// WriteTable writes the one line that a script reads.
func (w switched) WriteTable(out io.Writer) error {
	_, err := fmt.Fprintln(out, w.To)
	return err
}
