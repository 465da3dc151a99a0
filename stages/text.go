package stages

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Text writes the graph as a table, a line for each stage in the order in which
// they can be built, then what the toolchain binds and the layers of the root.
func (g Graph) Text(w io.Writer) error {
	out := bufio.NewWriter(w)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tVERSION\tKIND\tIN ROOT\tBUILT WITH")
	for _, r := range g.Stages {
		root := "no"
		switch {
		case slices.Contains(g.Packages, r.Name):
			root = "yes"
		case slices.Contains(g.Initramfs, r.Name):
			root = "initramfs"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Version, r.Kind, root, orNone(g.arrows(r)))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing graph of %s: %w", g.Target.Name, err)
	}
	fmt.Fprintf(out, "\n%s: tools %s; sysroot %s\n", g.Toolchain.Name,
		orNone(g.Toolchain.Tools), orNone(g.Toolchain.BuildNeeds))
	fmt.Fprintf(out, "layers, the lowest first: %s\n", orNone(g.Packages))
	if len(g.Initramfs) > 0 {
		fmt.Fprintf(out, "initramfs: %s\n", orNone(g.Initramfs))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing graph of %s: %w", g.Target.Name, err)
	}
	return nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, " ")
}

// Dot writes the graph in the language of Graphviz. Tools are ellipses, packages
// boxes, those of the root filled. An arrow leads to what a stage is built with,
// a dashed one to what it needs at run time.
func (g Graph) Dot(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "digraph %q {\n\trankdir=LR\n", g.Target.Name)
	all := append(slices.Clone(g.Stages), g.Toolchain)
	for _, r := range all {
		fmt.Fprintf(out, "\t%q [label=%q%s]\n", r.Name, r.Name+"\n"+r.Version, g.style(r))
	}
	for _, r := range all {
		for _, name := range g.arrows(r) {
			fmt.Fprintf(out, "\t%q -> %q\n", r.Name, name)
		}
		for _, name := range r.Needs {
			if g.Recipe(name).Name != "" {
				fmt.Fprintf(out, "\t%q -> %q [style=dashed]\n", r.Name, name)
			}
		}
	}
	fmt.Fprintln(out, "}")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing graph of %s: %w", g.Target.Name, err)
	}
	return nil
}

// arrows are the dependencies of a recipe to show: the toolchain stands for what
// it binds, which would hide the rest.
func (g Graph) arrows(r Recipe) []string {
	if implied(r) {
		return append([]string{g.Toolchain.Name}, r.BuildNeeds...)
	}
	return names(unique(slices.Concat(named(r, r.Tools), named(r, r.BuildNeeds))))
}

func (g Graph) style(r Recipe) string {
	switch {
	case r.Kind == KindToolchain:
		return ", shape=diamond"
	case r.Kind == KindTool:
		return ""
	case slices.Contains(g.Contents(), r.Name):
		return ", shape=box, style=filled"
	}
	return ", shape=box"
}
