package main

import (
	"context"
	"fmt"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images"
)

type targetsVerb struct{ cli.NoFlags }

func (targetsVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	for _, name := range images.Names() {
		t, err := images.Load(name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.Out, "%-12s %s\n", t.Name, t.Description); err != nil {
			return err
		}
	}
	return nil
}
