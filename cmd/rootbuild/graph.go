package main

import (
	"fmt"

	"github.com/rootbuild/rootbuild/images"
	"github.com/spf13/cobra"
)

func newGraph(s streams) *cobra.Command {
	var target, format string
	cmd := &cobra.Command{
		Use:   "graph --target TARGET",
		Short: "show which stage is built with which",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			graph, err := loadGraph(target)
			if err != nil {
				return err
			}
			switch format {
			case "text":
				return graph.Text(s.out)
			case "dot":
				return graph.Dot(s.out)
			}
			return usageError{fmt.Errorf("--format %q: it is text or dot", format)}
		},
	}
	addTarget(cmd, &target)
	cmd.Flags().StringVar(&format, "format", "text", "text, or dot for graphviz")
	return cmd
}

func newTargets(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "targets",
		Short: "list the embedded targets",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range images.Names() {
				t, err := images.Load(name)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(s.out, "%-12s %s\n", t.Name, t.Description); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
