package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const enterHelp = `enter opens a shell in a node root, or runs COMMAND there, in a container of its
own: the root is read-only, there is no network, and what is written to /run,
/tmp and the other places where nodes write is gone at the end. The root is the
one that "current" names, or TAG. The exit code is that of the command.`

func newEnter(_ streams) *cobra.Command {
	var dir, runc string
	cmd := &cobra.Command{
		Use:   "enter [TAG] [-- COMMAND [ARG...]]",
		Short: "open a shell in a node root, in a container",
		Long:  enterHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			tags, _ := splitDash(cmd, args)
			return atMostOneTag(cmd, tags)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			tags, command := splitDash(cmd, args)
			return runEnter(cmd.Context(), enterOptions{nfsroot: dir, runc: runc, tag: strings.Join(tags, ""), command: command})
		},
	}
	addNFSRoot(cmd, &dir)
	addRunc(cmd, &runc)
	return cmd
}

// splitDash separates the arguments before -- from those after it.
func splitDash(cmd *cobra.Command, args []string) (before, after []string) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		return args[:at], args[at:]
	}
	return args, nil
}

type enterOptions struct {
	nfsroot string
	runc    string
	tag     string
	command []string
}

// exitStatus is the status of a command that ran in a root: no failure of
// rootbuild's, but its exit code.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("the command ended with status %d", int(e)) }

func runEnter(ctx context.Context, o enterOptions) error {
	root, err := findRoot(o.nfsroot, o.tag)
	if err != nil {
		return err
	}
	runc, err := engine.FindRunc(ctx, o.runc)
	if err != nil {
		return err
	}
	status, err := boot.Enter(ctx, boot.EnterOptions{
		Root: root.path, Name: root.Tag, Command: o.command, Runc: runc,
		Terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
	})
	if err != nil || status == 0 {
		return err
	}
	return exitStatus(status)
}
