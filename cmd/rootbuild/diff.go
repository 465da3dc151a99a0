package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

type diffVerb struct{ flags.Tagged }

func (v *diffVerb) Run(_ context.Context, args []string, s cli.Streams) error {
	a, err := deploy.FindRoot(v.Dir, args[0])
	if err != nil {
		return err
	}
	b, err := deploy.FindRoot(v.Dir, args[1])
	if err != nil {
		return err
	}
	return flags.Look(v.Store, s, func(view *nfsroot.View) (unpack.Diff, error) { return view.Diff(a.Tag, b.Tag) })
}
