package main

import (
	"context"
	"fmt"
	"math"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

// deployOptions are the flags of how an image becomes the root that nodes boot.
type deployOptions struct {
	tag      string
	nfsroot  string
	noSwitch bool
	link     bool
	entries  uint     // at most, of the image
	size     cli.Size // at most, of what it unpacks to
	check    bool
	machine  machineOptions

	refuse     unpack.Refusal // of the image, before it is unpacked
	labels     string
	allowOlder bool
}

func (o *deployOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.tag, "tag", "", "`name` of the node root (default TARGET-DIGEST, with 12 digits of the image's digest)")
	addNFSRoot(cmd, &o.nfsroot)
	f.BoolVar(&o.noSwitch, "no-switch", false, "unpack, but leave current as it is")
	f.BoolVar(&o.link, "link", false, "share the files that another root has by hard links (see docs/store.md for the price)")
	f.UintVar(&o.entries, "max-entries", unpack.DefaultMaxEntries, "refuse an image with more than this `number` of entries; each takes 250 bytes of memory")
	f.Var(&o.size, "max-size", "refuse an image that unpacks to more than this `size`, such as 2GiB (default 100 times its packed size and 256 MiB)")
	f.BoolVar(&o.check, "check", false, "boot the root in a virtual machine (see rootbuild boot), and switch only if all its checks pass")
	o.machine.AddFlags(cmd)
}

// prepare says beforehand what keeps an image from becoming a root here. The image of
// a pull may have a kernel: that is seen when it is a root.
func (o *deployOptions) prepare(ctx context.Context, mayHaveKernel bool, make makeOptions, s cli.Streams) error {
	if o.check {
		if err := o.machine.check(); err != nil {
			return cli.UsageError{Err: err}
		}
		if err := boot.CheckHost(); err != nil {
			return fmt.Errorf("preparing --check: %w", err)
		}
	}
	if err := deploy.CheckDir(o.nfsroot); err != nil {
		return err
	}
	if o.check {
		if _, err := make.packages.places(make.registry); err != nil { // for its initramfs
			return err
		}
		if err := o.machine.findKernel(ctx, mayHaveKernel, make, s); err != nil {
			return fmt.Errorf("preparing --check: %w", err)
		}
	}
	return nil
}

// run makes the image the root that nodes boot, as the flags say.
func (o deployOptions) run(ctx context.Context, image deploy.Image, make makeOptions, s cli.Streams) error {
	options := deploy.Options{
		Dir: o.nfsroot, Tag: o.tag, NoSwitch: o.noSwitch, AllowOlder: o.allowOlder,
		MaxEntries: o.maxEntries(), MaxSize: int64(o.size), Refuse: o.refuse, Labels: unpack.Labels(o.labels), Link: o.link,
		Booted: func(r boot.Report) error {
			err := r.WriteTable(s.Err)
			hints(r, s.Err)
			return err
		},
		Note: s.Note,
	}
	if o.check {
		trial := o.machine.trial(make, s)
		options.Trial = &trial
	}
	_, err := image.Deploy(ctx, options)
	return err
}

func (o deployOptions) maxEntries() int { return int(min(o.entries, math.MaxInt32)) }
