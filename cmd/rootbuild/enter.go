package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type enterVerb struct {
	nfsroot string
	runc    string
	cmd     *cobra.Command // which knows where -- was
}

func (v *enterVerb) AddFlags(cmd *cobra.Command) {
	flags.AddNFSRoot(cmd, &v.nfsroot)
	flags.AddRunc(cmd, &v.runc)
	v.cmd = cmd
}

func enterArgs(cmd *cobra.Command, args []string) error {
	tags, _ := splitDash(cmd, args)
	return flags.AtMostOneTag(cmd, tags)
}

// splitDash separates the arguments before -- from those after it.
func splitDash(cmd *cobra.Command, args []string) (before, after []string) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		return args[:at], args[at:]
	}
	return args, nil
}

// exitStatus is the status of a command that ran in a root: no failure of
// rootbuild's, but its exit code.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("the command ended with status %d", int(e)) }

func (v *enterVerb) Run(ctx context.Context, args []string, _ cli.Streams) error {
	tags, command := splitDash(v.cmd, args)
	root, err := deploy.FindRoot(v.nfsroot, strings.Join(tags, ""))
	if err != nil {
		return err
	}
	runc, err := engine.FindRunc(ctx, v.runc)
	if err != nil {
		return err
	}
	status, err := boot.Enter(ctx, boot.EnterOptions{
		Root: root.Path, Name: root.Tag, Command: command, Runc: runc,
		Terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
	})
	if err != nil || status == 0 {
		return err
	}
	return exitStatus(status)
}
