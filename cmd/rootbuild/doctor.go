package main

import (
	"context"
	"fmt"

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
		Short: "say what this host lacks, each with its remedy",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDoctor(cmd.Context(), so, runc, s)
		},
	}
	so.addFlags(cmd)
	addRunc(cmd, &runc)
	return cmd
}

// runDoctor runs every check, whatever the others say.
func runDoctor(ctx context.Context, so stateOptions, runc string, s streams) error {
	checks := []struct {
		name string
		run  func() error
	}{
		{"build steps (root, overlayfs on the state directory)", func() error { return engine.CheckHost(so.dir) }},
		{"runc", func() error { _, err := engine.FindRunc(ctx, runc); return err }},
		{"base image (apt, mmdebstrap)", base.Check},
		{"boots (qemu, nfs-ganesha)", boot.CheckHost},
		{"kernel to boot", func() error { _, err := boot.FindKernel(""); return err }},
	}
	failed := 0
	for _, c := range checks {
		if err := c.run(); err != nil {
			failed++
			fmt.Fprintf(s.out, "missing  %s\n         %v\n", c.name, err)
			continue
		}
		fmt.Fprintf(s.out, "ok       %s\n", c.name)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed on this host", failed, len(checks))
	}
	return nil
}
