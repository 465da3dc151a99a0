package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are flags by what they are about, for every verb that has them.
var flagGroups = []struct {
	title string
	flags []string
}{
	{"what to build", []string{"target", "ask", "keep-going", "base", "state", "progress"}},
	{"where steps run", []string{"builder", "builder-tls", "builder-insecure", "runc", "steps"}},
	{"where sources come from", []string{"distdir", "source-host", "mirror", "offline"}},
	{"packages that were built elsewhere", []string{"packages", "package-policy", "push-packages"}},
	{"where the result goes", []string{"output", "push", "sign", "builder-id"}},
	{"how registries are spoken to", []string{"mirror-registry", "plain-http", "registries", "registry-ca"}},
	{"whose images are taken", []string{"policy", "insecure-no-verify", "allow-older", "no-devices", "no-setuid"}},
	{"the node root", []string{"nfsroot", "tag", "no-unpack", "no-switch", "link", "max-entries", "max-size", "labels"}},
	{"what boot entries say", []string{"tftp", "server", "export", "nfs-options", "word", "loader", "templates"}},
	{"its check in a virtual machine", []string{"check", "kernel", "kernel-modules", "initramfs", "append", "accel", "memory", "timeout"}},
}

// helpWidth is where lines of flags end.
const helpWidth = 100

// usage writes the part of the help that follows the text of a verb.
func usage(cmd *cobra.Command) error {
	w := cmd.OutOrStderr()
	fmt.Fprintf(w, "usage:\n    %s\n", cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nexample:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		writeVerbs(w, cmd)
	}
	writeFlags(w, cmd.LocalFlags())
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
func writeFlags(w io.Writer, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	var grouped []string
	for _, g := range flagGroups {
		grouped = append(grouped, g.flags...)
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
	for _, g := range flagGroups {
		write(g.title, func(name string) bool { return slices.Contains(g.flags, name) })
	}
}
