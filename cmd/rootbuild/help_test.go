package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Each verb has a place and an example, and each flag of the main job a group.
func TestHelpIsComplete(t *testing.T) {
	root := newRoot(cli.NewStreams(io.Discard, io.Discard))
	for _, cmd := range root.Commands() {
		own := !slices.Contains([]string{"help", "completion"}, cmd.Name())
		if own && !cmd.HasExample() {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
	}
	var grouped []string
	for _, g := range flagGroups {
		grouped = append(grouped, g.Flags...)
	}
	root.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(grouped, f.Name) && f.Name != "help" {
			t.Errorf("--%s is in no group", f.Name)
		}
	})
	for _, name := range grouped {
		if !anyHas(root, name) {
			t.Errorf("no verb has --%s, which is in a group", name)
		}
	}
}

// Each text is that of a verb, and names the file that it speaks of. That no text is
// missing, newRoot sees.
func TestHelpTexts(t *testing.T) {
	root := newRoot(cli.NewStreams(io.Discard, io.Discard))
	var used []string
	for commands := []*cobra.Command{root}; len(commands) > 0; commands = commands[1:] {
		used = append(used, commands[0].Long)
		commands = append(commands, commands[0].Commands()...)
	}
	files, err := texts.ReadDir("help")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(used, longHelp(strings.TrimSuffix(f.Name(), ".txt"))) {
			t.Errorf("help/%s is the text of no verb", f.Name())
		}
	}
	if !strings.Contains(longHelp("packages"), flags.PackagesFile) {
		t.Errorf("the text of packages does not name %s", flags.PackagesFile)
	}
}

func anyHas(root *cobra.Command, flag string) bool {
	return slices.ContainsFunc(append(root.Commands(), root), func(c *cobra.Command) bool { return c.Flags().Lookup(flag) != nil })
}
