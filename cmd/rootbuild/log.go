package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

type logVerb struct{ storeOptions }

func (v *logVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	history, err := view.Switches()
	if err != nil {
		return err
	}
	return s.Tell(history, v.json)
}
