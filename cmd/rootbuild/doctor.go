package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/spf13/cobra"
)

type doctorVerb struct {
	state   flags.State
	builder flags.Builders
}

func (v *doctorVerb) AddFlags(cmd *cobra.Command) {
	v.state.AddFlags(cmd)
	v.builder.AddFlags(cmd)
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

func (v *doctorVerb) jobs(ctx context.Context) []job {
	return []job{
		{"build", append(v.builderChecks(ctx), check{"base image (apt, mmdebstrap)", base.Check})},
		{"boot check", []check{
			{"boots (qemu, nfs-ganesha)", boot.CheckHost},
			{"kernel to boot (or apt, to fetch one)", checkKernel},
		}},
		{"serve nodes", []check{
			{"NFS server (nfsd, nfs-ganesha)", boot.CheckServer},
		}},
	}
}

// builderChecks want what runs steps.
func (v *doctorVerb) builderChecks(ctx context.Context) []check {
	builders, err := v.builder.List()
	if err != nil {
		return []check{{"builders", func() error { return err }}}
	}
	if builders[0].URL == "" {
		return []check{
			{"build steps (root, overlayfs on the state directory)", func() error { return engine.CheckHost(v.state.Dir) }},
			{"runc", func() error { _, err := engine.FindRunc(ctx, builders[0].Runc); return err }},
		}
	}
	var list []check
	for _, b := range builders {
		list = append(list, check{"build steps on " + b.String(), func() error {
			return engine.Check(ctx, engine.Options{Builder: b, Dir: v.state.Dir})
		}})
	}
	return list
}

// checkKernel wants a kernel, or what fetches one.
func checkKernel() error {
	_, err := boot.FindKernel("")
	if _, apt := exec.LookPath("apt-get"); errors.Is(err, boot.ErrNoKernel) && apt == nil {
		return nil
	}
	return err
}

// Run runs every check, whatever the others say.
func (v *doctorVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	failed, count := 0, 0
	for _, j := range v.jobs(ctx) {
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
		if _, err := fmt.Fprintf(s.Out, "%s: %s\n%s", j.name, can, &report); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed on this host", failed, count)
	}
	return nil
}
