package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// Verb is a verb of the command: its texts, what it takes, and what it does.
type Verb struct {
	Use     string // its name, and what it takes
	Short   string // a line, for the list of verbs
	Example string // without the name of the program
	Long    string // for --help; empty where there is no more to say

	Args cobra.PositionalArgs
	Do   Action
}

// Action is what a verb does, with the flags that say how. One that has verbs below it
// has a method Verbs, too.
type Action interface {
	AddFlags(*cobra.Command)
	Run(context.Context, []string, Streams) error
}

// NoFlags is the part of an action that has none.
type NoFlags struct{}

// AddFlags adds none.
func (NoFlags) AddFlags(*cobra.Command) {}

// Group is verbs by what people do. Those without a title are listed last.
type Group struct {
	Title string
	Verbs []Verb
}

func (v Verb) command(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use: v.Use, Short: v.Short, Long: v.Long, Example: "    rootbuild " + v.Example, Args: v.Args,
		RunE: func(cmd *cobra.Command, args []string) error { return v.Do.Run(cmd.Context(), args, s) },
	}
	v.Do.AddFlags(cmd)
	if parent, ok := v.Do.(interface{ Verbs() []Verb }); ok {
		for _, below := range parent.Verbs() {
			cmd.AddCommand(below.command(s))
		}
	}
	return cmd
}

// AddVerbs adds verbs in their groups, and gives cobra's own the same voice.
func AddVerbs(root *cobra.Command, groups []Group, s Streams) {
	for _, g := range groups {
		if g.Title != "" {
			root.AddGroup(&cobra.Group{ID: g.Title, Title: g.Title})
		}
		for _, v := range g.Verbs {
			cmd := v.command(s)
			cmd.GroupID = g.Title
			root.AddCommand(cmd)
		}
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Short = "show the help of a verb"
		case "completion":
			cmd.Short = "write the shell's completion"
			for _, shell := range cmd.Commands() {
				shell.Short = "write the completion for " + shell.Name()
			}
		}
	}
}
