package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

type checkTreeVerb struct{ flags.Tagged }

func (v *checkTreeVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	root, err := deploy.FindRoot(v.Dir, args[0])
	if err != nil {
		return err
	}
	view, err := v.View()
	if err != nil {
		return err
	}
	found, err := view.Check(ctx, root.Tag)
	if err != nil {
		return err
	}
	checked := nfsroot.NewChecked(root.Tag, found)
	if err := cmp.Or(s.Tell(checked, v.JSON), checked.Err()); err != nil {
		return err
	}
	if !v.JSON {
		s.Note(fmt.Sprintf("%s: %d names are as in its image", root.Tag, root.Files))
	}
	return nil
}
