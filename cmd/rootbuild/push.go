package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/spf13/cobra"
)

type pushVerb struct {
	image    flags.Image
	registry flags.Registry
}

func (v *pushVerb) AddFlags(cmd *cobra.Command) {
	v.image.AddFlags(cmd)
	v.image.State.AddProgress(cmd)
	v.registry.AddFlags(cmd)
}

func (v *pushVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if err := v.image.State.Check(); err != nil {
		return err
	}
	to, err := flags.ParseRegistry(args[1])
	if err != nil {
		return err
	}
	from, err := v.image.Find(args[0])
	if err != nil {
		return err
	}
	digest, err := v.registry.Push(ctx, from, to, v.image.State, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, to.At(digest))
	return err
}
