package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// FlagGroup is flags by what they are about, for every verb that has them.
type FlagGroup struct {
	Title string
	Flags []string // their names
}

// helpWidth is where lines of flags end.
const helpWidth = 100

// Usage returns what writes the part of the help that follows the text of a verb, its
// flags by groups.
func Usage(groups []FlagGroup) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error { return writeUsage(cmd, groups) }
}

func writeUsage(cmd *cobra.Command, groups []FlagGroup) error {
	w := cmd.OutOrStderr()
	fmt.Fprintf(w, "usage:\n    %s\n", cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nexample:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		writeVerbs(w, cmd)
	}
	writeFlags(w, cmd.LocalFlags(), groups)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s VERB --help tells more of a verb\n", cmd.CommandPath())
	}
	return nil
}

func writeVerbs(w io.Writer, cmd *cobra.Command) {
	write := func(title, group string) {
		fmt.Fprintf(w, "\n%s:\n", title)
		for _, c := range cmd.Commands() {
			if c.GroupID == group && (c.IsAvailableCommand() || c.Name() == "help") {
				fmt.Fprintf(w, "    %-12s%s\n", c.Name(), c.Short)
			}
		}
	}
	for _, g := range cmd.Groups() {
		write(g.Title, g.ID)
	}
	write("more", "")
}

// writeFlags writes flags by their groups. Those of no group come first.
func writeFlags(w io.Writer, flags *pflag.FlagSet, groups []FlagGroup) {
	if !flags.HasAvailableFlags() {
		return
	}
	var grouped []string
	for _, g := range groups {
		grouped = append(grouped, g.Flags...)
	}
	write := func(title string, wanted func(name string) bool) {
		set := pflag.NewFlagSet(title, pflag.ContinueOnError)
		flags.VisitAll(func(f *pflag.Flag) {
			if wanted(f.Name) {
				set.AddFlag(f)
			}
		})
		if set.HasAvailableFlags() {
			fmt.Fprintf(w, "\n%s:\n%s\n", title, strings.TrimRight(set.FlagUsagesWrapped(helpWidth), "\n"))
		}
	}
	write("flags", func(name string) bool { return !slices.Contains(grouped, name) })
	for _, g := range groups {
		write(g.Title, func(name string) bool { return slices.Contains(g.Flags, name) })
	}
}
