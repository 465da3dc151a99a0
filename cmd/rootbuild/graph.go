package main

import (
	"context"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/spf13/cobra"
)

type graphVerb struct {
	target flags.Target
	format string
}

func (v *graphVerb) AddFlags(cmd *cobra.Command) {
	v.target.AddFlags(cmd)
	cmd.Flags().StringVar(&v.format, "format", "text", "`form` to print: text, or dot for graphviz")
}

func (v *graphVerb) Run(_ context.Context, _ []string, s cli.Streams) error {
	graph, err := v.target.Graph()
	if err != nil {
		return err
	}
	switch v.format {
	case "text":
		return graph.Text(s.Out)
	case "dot":
		return graph.Dot(s.Out)
	}
	return cli.UsageErrorf("--format %q: it is text or dot", v.format)
}
