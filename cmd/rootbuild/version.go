package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

type versionVerb struct{ cli.NoFlags }

func (versionVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	_, err := fmt.Fprintf(s.Out, "rootbuild %s\ngo        %s\nbuildkit  %s\n", cli.Version(), runtime.Version(), engine.Version())
	return err
}
