package flags

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
)

// initramfsTarget is the embedded target that an initramfs is made of.
const initramfsTarget = "initramfs"

// Initramfs says what an initramfs is made of, and where it is written.
type Initramfs struct {
	Output        string // file; its name says how it is compressed
	target        Target
	kernelModules string // directory
	modules       []string
	make          Make
}

// AddFlags adds its flags, and those of Make.
func (o *Initramfs) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.target.AddFlags(cmd)
	o.target, f.Lookup("target").DefValue = initramfsTarget, initramfsTarget
	f.StringVar(&o.kernelModules, "kernel-modules", "", "`directory` of the kernel's modules, such as /lib/modules/VERSION")
	f.StringArrayVar(&o.modules, "module", nil, "one more `module`, or a pattern such as 'drivers/net/usb/*'; may be given again")
	f.StringVar(&o.Output, "output", "initramfs.cpio.zst", "`file` to write; it ends in .cpio, .cpio.gz or .cpio.zst")
	o.make.AddFlags(cmd)
}

// Build writes the initramfs and returns its sha256, in hex. Modules are picked before
// anything is built: what is wrong with them is wrong with the command line.
func (o Initramfs) Build(ctx context.Context, s cli.Streams) (sum string, err error) {
	graph, err := o.target.Graph()
	if err != nil {
		return "", err
	}
	if err := o.make.Check(); err != nil {
		return "", cli.UsageError{Err: err}
	}
	modules, err := o.selectModules()
	if err != nil {
		return "", cli.UsageError{Err: err}
	}
	if o.kernelModules != "" {
		s.Note(modules.String())
	}
	err = o.make.Hold("--target "+string(o.target), s, func(w Workshop) (err error) {
		if w.Options.Packages, err = o.make.Places(); err != nil {
			return err
		}
		sum, err = builder.Initramfs(ctx, w.State, graph, modules, o.Output, w.Options)
		return err
	})
	return sum, err
}

func (o Initramfs) selectModules() (kmod.Set, error) {
	if _, err := cpio.Compress(io.Discard, o.Output); err != nil {
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
	return dir.Select(o.modules)
}
