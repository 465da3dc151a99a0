package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot"
)

type logVerb struct{ flags.Store }

func (v *logVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	return flags.Look(v.Store, s, (*nfsroot.View).Switches)
}
