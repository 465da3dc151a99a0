package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/spf13/cobra"
)

func newList(s streams) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list the node roots; * marks current",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runList(dir, s)
		},
	}
	cmd.Flags().StringVar(&dir, "nfsroot", "/diskless/nfsroot", "directory of node roots")
	return cmd
}

func runList(dir string, s streams) error {
	view, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		return err
	}
	roots, err := view.List()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tTAG\tDIGEST\tMIB\tFILES\tUNPACKED")
	for _, r := range roots {
		mark := " "
		if r.Current {
			mark = "*"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\t%d\t%s\n", mark, r.Tag, r.Digest.Hex[:12], float64(r.Size)/(1<<20), r.Files, r.Created.Local().Format(time.DateTime))
	}
	return table.Flush()
}
