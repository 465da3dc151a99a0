package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

func newLog(s streams) *cobra.Command {
	var o storeOptions
	cmd := &cobra.Command{
		Use:   "log",
		Short: "show every switch of current, the newest last",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLog(o, s)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func runLog(o storeOptions, s streams) error {
	view, err := nfsroot.OpenReadOnly(o.dir)
	if err != nil {
		return err
	}
	switches, err := view.Switches()
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(s.out, switches)
	}
	return writeSwitches(s.out, switches)
}

func writeSwitches(w io.Writer, switches []nfsroot.Switch) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHEN\tFROM\tTO\tBY\tCOMMAND")
	for _, l := range switches {
		by := l.By
		if l.Host != "" {
			by += "@" + l.Host
		}
		// As names: a user's environment and arguments may hold anything.
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.When.Local().Format(time.DateTime),
			unpack.Name(cmp.Or(l.From, "-")), l.To+note(l), unpack.Name(by), unpack.Name(l.Command))
	}
	return table.Flush()
}

// note says what was special about a switch.
func note(l nfsroot.Switch) string {
	switch {
	case l.Void:
		return " (ended before it changed current)"
	case l.Rollback:
		return " (rollback)"
	}
	return ""
}
