package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

type diffVerb struct{ taggedOptions }

func (v *diffVerb) Run(_ context.Context, args []string, s cli.Streams) error {
	a, err := deploy.FindRoot(v.dir, args[0])
	if err != nil {
		return err
	}
	b, err := deploy.FindRoot(v.dir, args[1])
	if err != nil {
		return err
	}
	view, err := v.view()
	if err != nil {
		return err
	}
	d, err := view.Diff(a.Tag, b.Tag)
	if err != nil {
		return err
	}
	return s.Tell(d, v.json)
}
