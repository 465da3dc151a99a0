package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

const diffHelp = `diff tells what leads from root A to root B: packages with their versions, by the
layers of the images, then files with their sizes. A package is "rebuilt" when
its version is the same and its files are not.`

func newDiff(s streams) *cobra.Command {
	var o storeOptions
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "compare two node roots: packages, then files",
		Long:  diffHelp,
		Args:  tagArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDiff(args[0], args[1], o, s)
		},
		ValidArgsFunction: o.completeTags,
	}
	o.addFlags(cmd)
	return cmd
}

func runDiff(from, to string, o storeOptions, s streams) error {
	a, err := findRoot(o.dir, from)
	if err != nil {
		return err
	}
	b, err := findRoot(o.dir, to)
	if err != nil {
		return err
	}
	view, err := nfsroot.OpenReadOnly(o.dir)
	if err != nil {
		return err
	}
	d, err := view.Diff(a.Tag, b.Tag)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(s.out, d)
	}
	return writeDiff(s.out, d)
}

func writeDiff(w io.Writer, d unpack.Diff) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range d.Packages {
		fmt.Fprintf(table, "package\t%s\t%s\t%s\t%+d\n", p.Name, p.What, versions(p), p.Size)
	}
	for _, f := range d.Files {
		what := f.What
		if len(f.How) > 0 {
			what += " " + strings.Join(f.How, ",")
		}
		fmt.Fprintf(table, "file\t%s\t%s\t%d -> %d\t%+d\n", f.Name, what, f.From, f.To, f.To-f.From)
	}
	return table.Flush()
}

func versions(p unpack.PackageChange) string {
	switch p.What {
	case unpack.Added:
		return p.To
	case unpack.Changed:
		return p.From + " -> " + p.To
	}
	return p.From
}
