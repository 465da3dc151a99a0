package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

type checkTreeVerb struct{ taggedOptions }

func (v *checkTreeVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	root, err := deploy.FindRoot(v.dir, args[0])
	if err != nil {
		return err
	}
	view, err := v.view()
	if err != nil {
		return err
	}
	found, err := view.Check(ctx, root.Tag)
	if err != nil {
		return err
	}
	checked := nfsroot.NewChecked(root.Tag, found)
	if err := cmp.Or(s.Tell(checked, v.json), checked.Err()); err != nil {
		return err
	}
	if !v.json {
		s.Note(fmt.Sprintf("%s: %d names are as in its image", root.Tag, root.Files))
	}
	return nil
}
