package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
	"github.com/spf13/cobra"
)

// initramfsOptions are the flags of rootbuild initramfs.
type initramfsOptions struct {
	target        string
	kernelModules string
	modules       []string
	output        string
	make          makeOptions
}

const initramfsHelp = `initramfs builds the target initramfs, if it is not built yet, and writes its files and
the modules of a kernel as the archive that the kernel boots with.

A kernel with the network driver and NFS built in needs no modules. Standard
output carries the archive's sha256 and path, as sha256sum does.`

func newInitramfs(s streams) *cobra.Command {
	var o initramfsOptions
	cmd := &cobra.Command{
		Use:   "initramfs",
		Short: "write the initramfs that mounts a node's root",
		Long:  initramfsHelp,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInitramfs(cmd.Context(), o, s)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *initramfsOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	addTarget(cmd, &o.target)
	o.target, f.Lookup("target").DefValue = initramfsTarget, initramfsTarget
	f.StringVar(&o.kernelModules, "kernel-modules", "", "directory of the kernel's modules, such as /lib/modules/VERSION")
	f.StringArrayVar(&o.modules, "module", nil, "one more module, or a pattern such as 'drivers/net/usb/*'; may be given again")
	f.StringVar(&o.output, "output", "initramfs.cpio.zst", "file to write; it ends in .cpio, .cpio.gz or .cpio.zst")
	o.make.addFlags(cmd)
}

// initramfsTarget is the embedded target that an initramfs is made of.
const initramfsTarget = "initramfs"

func runInitramfs(ctx context.Context, o initramfsOptions, s streams) error {
	sum, err := makeInitramfs(ctx, o, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %s\n", sum, o.output)
	return err
}

// makeInitramfs writes the initramfs to o.output and returns its sha256.
func makeInitramfs(ctx context.Context, o initramfsOptions, s streams) (sum string, err error) {
	graph, err := loadGraph(o.target)
	if err != nil {
		return "", err
	}
	if err := o.make.check(); err != nil {
		return "", usageError{err}
	}
	modules, err := o.selectModules(s)
	if err != nil {
		return "", usageError{err}
	}
	err = o.make.hold("--target "+o.target, registryOptions{}, s, func(w workshop) error {
		sum, err = w.state.Initramfs(ctx, graph, modules, o.output, w.options)
		return err
	})
	return sum, err
}

// selectModules picks the modules before anything is built: what is wrong with
// them is wrong with the command line.
func (o initramfsOptions) selectModules(s streams) (kmod.Set, error) {
	if _, err := cpio.Compress(io.Discard, o.output); err != nil {
		return kmod.Set{}, err
	}
	switch {
	case o.kernelModules != "":
	case len(o.modules) > 0:
		return kmod.Set{}, errors.New("--module needs --kernel-modules, the directory that it is in")
	default:
		return kmod.Set{}, nil
	}
	dir, err := kmod.Open(o.kernelModules)
	if err != nil {
		return kmod.Set{}, err
	}
	set, err := dir.Select(o.modules)
	if err != nil {
		return kmod.Set{}, err
	}
	fmt.Fprintf(s.err, "%d modules of kernel %s, %.1f MiB\n", set.Len(), dir.Release, float64(set.Size())/(1<<20))
	return set, nil
}
