package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/spf13/cobra"
)

func newDoctor(s streams) *cobra.Command {
	var so stateOptions
	var runc string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "say what this host can do, and what it lacks for the rest",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDoctor(cmd.Context(), so, runc, s)
		},
	}
	so.addFlags(cmd)
	addRunc(cmd, &runc)
	return cmd
}

// job is something that a host can do if all its checks pass.
type job struct {
	name   string
	checks []check
}

type check struct {
	name string
	run  func() error
}

func jobs(ctx context.Context, so stateOptions, runc string) []job {
	return []job{
		{"build", []check{
			{"build steps (root, overlayfs on the state directory)", func() error { return engine.CheckHost(so.dir) }},
			{"runc", func() error { _, err := engine.FindRunc(ctx, runc); return err }},
			{"base image (apt, mmdebstrap)", base.Check},
		}},
		{"boot check", []check{
			{"boots (qemu, nfs-ganesha)", boot.CheckHost},
			{"kernel to boot", func() error { _, err := boot.FindKernel(""); return err }},
		}},
		{"serve nodes", []check{
			{"NFS server (nfsd, nfs-ganesha)", boot.CheckServer},
		}},
	}
}

// runDoctor runs every check, whatever the others say.
func runDoctor(ctx context.Context, so stateOptions, runc string, s streams) error {
	failed, count := 0, 0
	for _, j := range jobs(ctx, so, runc) {
		var report strings.Builder
		can := "yes"
		for _, c := range j.checks {
			count++
			err := c.run()
			if err == nil {
				fmt.Fprintf(&report, "  ok       %s\n", c.name)
				continue
			}
			can = "no"
			failed++
			fmt.Fprintf(&report, "  missing  %s\n", c.name)
			for line := range strings.Lines(err.Error()) {
				fmt.Fprintf(&report, "           %s\n", strings.TrimSuffix(line, "\n"))
			}
		}
		if _, err := fmt.Fprintf(s.out, "%s: %s\n%s", j.name, can, &report); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed on this host", failed, count)
	}
	return nil
}
