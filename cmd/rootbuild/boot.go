package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
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
	nfs     string
	log     string
	shell   bool
	writes  bool
	json    bool
	machine machineOptions
	build   buildOptions // of which it has those that make an initramfs
}

func (o *bootOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.build.nfsroot, "nfsroot", "/diskless/nfsroot", "directory of node roots")
	f.StringVar(&o.nfs, "nfs", "", "SERVER:PATH[,OPTIONS] of the root as a running NFS server exports it (default: a server of our own on loopback)")
	f.StringVar(&o.log, "log", "", "file for the console's output (default: boots/TAG.log in the state directory)")
	f.BoolVar(&o.shell, "shell", false, "leave the node running after its checks, until Ctrl-C, and say how to log in")
	f.BoolVar(&o.writes, "find-writes", false, "let the node write to memory over its root, and say what it wrote, as lines for the target's tmpfs list")
	f.BoolVar(&o.json, "json", false, "write the report as JSON")
	o.machine.addFlags(cmd)
	o.build.addMake(cmd)
}

// runBoot boots one root and tells what its checks found.
func runBoot(ctx context.Context, tag string, o bootOptions, s streams) (err error) {
	if err := errors.Join(o.build.state.check(), o.machine.check()); err != nil {
		return usageError{err}
	}
	root, err := findRoot(o.build.nfsroot, tag)
	if err != nil {
		return err
	}
	report, err := bootRoot(ctx, root, o, s)
	if err != nil {
		return err
	}
	if err := writeReport(report, o.json, s.out); err != nil {
		return err
	}
	hints(report, s.err)
	return verdict(root.Tag, report)
}

// bootRoot boots a root with its files in the state directory. They stay there
// when a check failed, so that the machine can be started by hand.
func bootRoot(ctx context.Context, root nodeRoot, o bootOptions, s streams) (_ boot.Report, err error) {
	// Absolute, for the command lines that a person is told.
	dir, err := filepath.Abs(filepath.Join(o.build.state.dir, "boots", root.Tag))
	if err != nil {
		return boot.Report{}, fmt.Errorf("finding the directory of the boot: %w", err)
	}
	lock, err := takeDir(dir, "rootbuild boot "+root.Tag)
	if err != nil {
		return boot.Report{}, err
	}
	defer closing(lock, &err)
	options, err := o.machine.options(ctx, dir, o.build, s)
	if err != nil {
		return boot.Report{}, err
	}
	options.Root, options.Export, options.NFS, options.Overlay = root.path, root.store, o.nfs, o.writes
	options.Log = cmp.Or(o.log, dir+".log")
	options.Report = func(r boot.Result) { fmt.Fprintln(s.err, progressLine(r)) }
	if o.shell {
		options.Hold = func(ctx context.Context, login []string) error { return hold(ctx, login, s.err) }
	}
	report, err := boot.Check(ctx, options)
	if report.Passed && !o.shell || err != nil && len(report.Checks) == 0 {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return report, err
}

// takeDir makes dir new and empty, for as long as the lock beside it is held.
func takeDir(dir, command string) (_ io.Closer, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of boots: %w", err)
	}
	lock, err := lockfile.Acquire(dir+".lock", command)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the directory of the boot: %w", err), lock.Close())
	}
	return lock, nil
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
	if !asJSON {
		return r.WriteTable(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
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

// verdict is the error of a boot in which checks failed.
func verdict(tag string, r boot.Report) error {
	if r.Passed {
		return nil
	}
	return fmt.Errorf("booting %s: failed: %s", tag, strings.Join(r.Failures(), ", "))
}
