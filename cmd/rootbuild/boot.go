package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/spf13/cobra"
)

const bootHelp = `boot starts a virtual machine that mounts a node root read-only by NFS, runs the
checks of its target, powers it off, and says what passed. The root is the one
that "current" names, or TAG. What nodes boot is not changed.`

func newBoot(s streams) *cobra.Command {
	var o bootOptions
	cmd := &cobra.Command{
		Use:   "boot [TAG]",
		Short: "boot a node root in a virtual machine and run its checks",
		Long:  bootHelp,
		Args:  atMostOneTag,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runBoot(cmd.Context(), strings.Join(args, ""), o, s)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// bootOptions are the flags of boot.
type bootOptions struct {
	nfsroot string
	nfs     string
	log     string
	shell   bool
	writes  bool
	json    bool
	machine machineOptions
	make    makeOptions // of the initramfs
}

func (o *bootOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	addNFSRoot(cmd, &o.nfsroot)
	f.StringVar(&o.nfs, "nfs", "", "SERVER:PATH[,OPTIONS] of the root as a running NFS server exports it (default: a server of our own on loopback)")
	f.StringVar(&o.log, "log", "", "file for the console's output (default: boots/TAG.log in the state directory)")
	f.BoolVar(&o.shell, "shell", false, "leave the node running after its checks, until Ctrl-C, and say how to log in")
	f.BoolVar(&o.writes, "find-writes", false, "let the node write to memory over its root, and say what it wrote, as lines for the target's tmpfs list")
	f.BoolVar(&o.json, "json", false, "write the report as JSON")
	o.machine.addFlags(cmd)
	o.make.addFlags(cmd)
}

// runBoot boots one root and tells what its checks found.
func runBoot(ctx context.Context, tag string, o bootOptions, s streams) error {
	if err := errors.Join(o.make.state.check(), o.machine.check()); err != nil {
		return usageError{err}
	}
	root, err := findRoot(o.nfsroot, tag)
	if err != nil {
		return err
	}
	report, err := o.trial(root, s).Run(ctx)
	if err != nil {
		return err
	}
	if err := writeReport(report, o.json, s.out); err != nil {
		return err
	}
	hints(report, s.err)
	return report.Err(root.Tag)
}

func (o bootOptions) trial(root nodeRoot, s streams) boot.Trial {
	trial := o.machine.trial(filepath.Join(o.make.state.dir, "boots"), o.make, s)
	trial.Tag, trial.Root, trial.Export = root.Tag, root.path, root.store
	trial.NFS, trial.Overlay, trial.Log = o.nfs, o.writes, o.log
	if o.shell {
		trial.Hold = func(ctx context.Context, login []string) error { return hold(ctx, login, s.err) }
	}
	return trial
}

// hold leaves the node running. Its end is asked for, and no error.
func hold(ctx context.Context, login []string, w io.Writer) error {
	fmt.Fprintf(w, "the node runs until Ctrl-C; log in with:\n    %s\n", shellWords(login))
	<-ctx.Done()
	return nil
}

func progressLine(r boot.Result) string {
	line := fmt.Sprintf("%-8s %s (%.1f s)", r.Verdict, r.Check, r.Seconds)
	if r.Verdict == boot.Failed {
		line += ": " + r.Detail
	}
	return line
}

func writeReport(r boot.Report, asJSON bool, w io.Writer) error {
	if asJSON {
		return writeJSON(w, r)
	}
	return r.WriteTable(w)
}

// tellReport tells a person all of it.
func tellReport(r boot.Report, w io.Writer) error {
	if err := r.WriteTable(w); err != nil {
		return err
	}
	hints(r, w)
	return nil
}

// hints says where to look on, and after a failure how to start the machine by hand.
func hints(r boot.Report, w io.Writer) {
	fmt.Fprintf(w, "console log: %s\n", r.Log)
	if r.Passed {
		return
	}
	var commands []string
	for _, args := range r.Repeat {
		commands = append(commands, shellWords(args))
	}
	fmt.Fprintf(w, "to repeat by hand: %s\n", strings.Join(commands, " & "))
}
