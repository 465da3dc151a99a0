package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

// version is set when the program is linked; see the Makefile.
var version = ""

type versionVerb struct{ noFlags }

func (versionVerb) run(_ context.Context, _ []string, s cli.Streams) error {
	_, err := fmt.Fprintf(s.Out, "rootbuild %s\ngo        %s\nbuildkit  %s\n", ownVersion(), runtime.Version(), engine.Version())
	return err
}

func ownVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "(unknown)"
}
