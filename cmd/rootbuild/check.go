package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

// checkBoot says before an hour of building, not after, that no root can be
// booted on this host.
func (o buildOptions) checkBoot() error {
	err := o.machine.check()
	if o.noUnpack {
		err = errors.Join(err, errors.New("--check boots the unpacked root: it does not go with --no-unpack"))
	}
	if err != nil {
		return usageError{err}
	}
	_, kernel := o.machine.findKernel(kernelDir)
	if err := errors.Join(boot.CheckHost(), kernel); err != nil {
		return fmt.Errorf("preparing --check: %w", err)
	}
	return nil
}

// checkRoot boots a root that current does not name yet. One that fails stays
// under its tag, to be looked at.
func checkRoot(ctx context.Context, tag string, o buildOptions, s streams) error {
	root, err := findRoot(o.nfsroot, tag)
	if err != nil {
		return err
	}
	report, err := bootRoot(ctx, root, bootOptions{machine: o.machine, build: o}, s)
	if err != nil {
		return fmt.Errorf("booting %s: %w; current is unchanged", tag, err)
	}
	if err := report.WriteTable(s.err); err != nil {
		return err
	}
	hints(report, s.err)
	if err := verdict(tag, report); err != nil {
		return fmt.Errorf("%w; the root stays in %s for inspection, current is unchanged", err, root.path)
	}
	return nil
}
