package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

type removeVerb struct {
	taggedOptions
	use useOptions
}

func (v *removeVerb) AddFlags(cmd *cobra.Command) {
	v.taggedOptions.AddFlags(cmd)
	v.use.AddFlags(cmd)
}

func (v *removeVerb) Run(ctx context.Context, tags []string, s cli.Streams) (err error) {
	sources, err := v.use.sources()
	if err != nil {
		return err
	}
	store, err := v.open(s)
	if err != nil {
		return err
	}
	defer cli.Closing(store, &err)
	if err := store.Remove(ctx, tags, sources); err != nil {
		return err
	}
	if !v.json {
		defer s.Note("in the trash; rootbuild gc --yes deletes it when its grace is over")
	}
	return s.Tell(nfsroot.Removed{Trashed: tags}, v.json)
}
