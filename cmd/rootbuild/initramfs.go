package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
)

type initramfsVerb struct {
	target        string
	kernelModules string
	modules       []string
	output        string
	make          makeOptions
}

func (v *initramfsVerb) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	addTarget(cmd, &v.target)
	v.target, f.Lookup("target").DefValue = initramfsTarget, initramfsTarget
	f.StringVar(&v.kernelModules, "kernel-modules", "", "`directory` of the kernel's modules, such as /lib/modules/VERSION")
	f.StringArrayVar(&v.modules, "module", nil, "one more `module`, or a pattern such as 'drivers/net/usb/*'; may be given again")
	f.StringVar(&v.output, "output", "initramfs.cpio.zst", "`file` to write; it ends in .cpio, .cpio.gz or .cpio.zst")
	v.make.AddFlags(cmd)
	v.make.packages.AddFlags(cmd)
	v.make.registry.AddFlags(cmd)
}

// initramfsTarget is the embedded target that an initramfs is made of.
const initramfsTarget = "initramfs"

func (v *initramfsVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	sum, err := v.build(ctx, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s  %s\n", sum, v.output)
	return err
}

// build writes the initramfs and returns its sha256. Modules are picked before
// anything is built: what is wrong with them is wrong with the command line.
func (v *initramfsVerb) build(ctx context.Context, s cli.Streams) (sum string, err error) {
	graph, err := loadGraph(v.target)
	if err != nil {
		return "", err
	}
	if err := v.make.check(); err != nil {
		return "", cli.UsageError{Err: err}
	}
	modules, err := v.selectModules()
	if err != nil {
		return "", cli.UsageError{Err: err}
	}
	if v.kernelModules != "" {
		s.Note(modules.String())
	}
	err = v.make.hold("--target "+v.target, s, func(w workshop) (err error) {
		if w.options.Packages, err = v.make.packages.places(v.make.registry); err != nil {
			return err
		}
		sum, err = builder.Initramfs(ctx, w.state, graph, modules, v.output, w.options)
		return err
	})
	return sum, err
}

func (v *initramfsVerb) selectModules() (kmod.Set, error) {
	if _, err := cpio.Compress(io.Discard, v.output); err != nil {
		return kmod.Set{}, err
	}
	switch {
	case v.kernelModules != "":
	case len(v.modules) > 0:
		return kmod.Set{}, errors.New("--module needs --kernel-modules, the directory that it is in")
	default:
		return kmod.Set{}, nil
	}
	dir, err := kmod.Open(v.kernelModules)
	if err != nil {
		return kmod.Set{}, err
	}
	return dir.Select(v.modules)
}
