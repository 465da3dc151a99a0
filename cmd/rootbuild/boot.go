package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/spf13/cobra"
)

type bootVerb struct {
	nfsroot string
	nfs     string
	log     string
	shell   bool
	writes  bool
	json    bool
	machine flags.Machine
	make    flags.Make // of the initramfs
}

func (v *bootVerb) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	flags.AddNFSRoot(cmd, &v.nfsroot)
	f.StringVar(&v.nfs, "nfs", "", "`SERVER:PATH[,OPTIONS]` of the root as a running NFS server exports it (default: a server of our own on loopback)")
	f.StringVar(&v.log, "log", "", "`file` for the console's output (default: boots/TAG.log in the state directory)")
	f.BoolVar(&v.shell, "shell", false, "leave the node running after its checks, until Ctrl-C, and say how to log in")
	f.BoolVar(&v.writes, "find-writes", false, "let the node write to memory over its root, and say what it wrote, as lines for the target's tmpfs list")
	f.BoolVar(&v.json, "json", false, "write the report as JSON")
	v.machine.AddFlags(cmd)
	v.make.AddFlags(cmd)
}

// Run boots one root and tells what its checks found.
func (v *bootVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if err := errors.Join(v.make.State.Check(), v.machine.Check()); err != nil {
		return cli.UsageError{Err: err}
	}
	root, err := deploy.FindRoot(v.nfsroot, strings.Join(args, ""))
	if err != nil {
		return err
	}
	if err := boot.CheckHost(); err != nil {
		return err
	}
	if err := v.machine.FindKernel(ctx, true, v.make, s); err != nil {
		return err
	}
	report, err := v.trial(root, s).Run(ctx)
	if err != nil {
		return err
	}
	if err := s.Tell(report, v.json); err != nil {
		return err
	}
	flags.Hints(report, s.Err)
	return report.Err(root.Tag)
}

func (v *bootVerb) trial(root deploy.Root, s cli.Streams) boot.Trial {
	trial := v.machine.Trial(v.make, s)
	trial.Tag, trial.Image, trial.Root, trial.Export = root.Tag, root.Digest.String(), root.Path, root.Store
	trial.NFS, trial.Overlay, trial.Log = v.nfs, v.writes, v.log
	if v.shell {
		trial.Hold = func(ctx context.Context, login []string) error { return hold(ctx, login, s.Err) }
	}
	return trial
}

// hold leaves the node running. Its end is asked for, and no error.
func hold(ctx context.Context, login []string, w io.Writer) error {
	fmt.Fprintf(w, "the node runs until Ctrl-C; log in with:\n    %s\n", cli.ShellWords(login))
	<-ctx.Done()
	return nil
}
