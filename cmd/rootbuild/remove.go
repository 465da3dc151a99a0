package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

type removeVerb struct {
	flags.Tagged
	use flags.Use
}

func (v *removeVerb) AddFlags(cmd *cobra.Command) {
	v.Tagged.AddFlags(cmd)
	v.use.AddFlags(cmd)
}

func (v *removeVerb) Run(ctx context.Context, tags []string, s cli.Streams) error {
	sources, err := v.use.Sources()
	if err != nil {
		return err
	}
	return v.Change(s, func(store *nfsroot.Store) error {
		if err := store.Remove(ctx, tags, sources); err != nil {
			return err
		}
		if !v.JSON {
			defer s.Note("in the trash; rootbuild gc --yes deletes it when its grace is over")
		}
		return s.Tell(nfsroot.Removed{Trashed: tags}, v.JSON)
	})
}
