package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
)

type initramfsVerb struct{ flags.Initramfs }

func (v *initramfsVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	sum, err := v.Build(ctx, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s  %s\n", sum, v.Output)
	return err
}
