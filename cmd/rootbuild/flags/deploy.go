package flags

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

// Deploy says how an image becomes the root that nodes boot.
type Deploy struct {
	Check   bool    // boot the root before nodes do
	Machine Machine // that it is booted in

	tag      string
	nfsroot  string
	noSwitch bool
	link     bool
	entries  uint     // at most, of the image
	size     cli.Size // at most, of what it unpacks to

	refuse     unpack.Refusal // of the image, before it is unpacked
	labels     string
	allowOlder bool
}

// AddFlags adds the flags of every verb that unpacks an image.
func (o *Deploy) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.tag, "tag", "", "`name` of the node root (default TARGET-DIGEST, with 12 digits of the image's digest)")
	AddNFSRoot(cmd, &o.nfsroot)
	f.BoolVar(&o.noSwitch, "no-switch", false, "unpack, but leave current as it is")
	f.BoolVar(&o.link, "link", false, "share the files that another root has by hard links (see docs/store.md for the price)")
	f.UintVar(&o.entries, "max-entries", unpack.DefaultMaxEntries, "refuse an image with more than this `number` of entries; each takes 250 bytes of memory")
	f.Var(&o.size, "max-size", "refuse an image that unpacks to more than this `size`, such as 2GiB (default 100 times its packed size and 256 MiB)")
	f.BoolVar(&o.Check, "check", false, "boot the root in a virtual machine (see rootbuild boot), and switch only if all its checks pass")
	o.Machine.AddFlags(cmd)
}

// AddRefusals adds the flags that refuse what an image of others may bring.
func (o *Deploy) AddRefusals(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.allowOlder, "allow-older", false, "take an image with a lower serial than one that was taken before")
	f.StringVar(&o.labels, "labels", string(unpack.DropLabels), "`what` becomes of files' labels (SELinux's, IMA's, overlayfs' and the like): drop, keep or refuse")
	f.BoolVar(&o.refuse.Devices, "no-devices", false, "refuse an image with device nodes")
	f.BoolVar(&o.refuse.Setuid, "no-setuid", false, "refuse an image with setuid or setgid files, or files with capabilities")
}

// CheckRefusals refuses what labels cannot become. It is for verbs with AddRefusals.
func (o Deploy) CheckRefusals() error {
	if !slices.Contains(unpack.AllLabels, unpack.Labels(o.labels)) {
		return cli.UsageErrorf("--labels %q: want one of %v", o.labels, unpack.AllLabels)
	}
	return nil
}

// Prepare says beforehand what keeps an image from becoming a root here. The image of
// a pull may have a kernel: that is seen when it is a root.
func (o *Deploy) Prepare(ctx context.Context, mayHaveKernel bool, make Make, s cli.Streams) error {
	if o.Check {
		if err := o.Machine.Check(); err != nil {
			return cli.UsageError{Err: err}
		}
		if err := boot.CheckHost(); err != nil {
			return fmt.Errorf("preparing --check: %w", err)
		}
	}
	if err := deploy.CheckDir(o.nfsroot); err != nil {
		return err
	}
	if o.Check {
		if _, err := make.Places(); err != nil { // for its initramfs
			return err
		}
		if err := o.Machine.FindKernel(ctx, mayHaveKernel, make, s); err != nil {
			return fmt.Errorf("preparing --check: %w", err)
		}
	}
	return nil
}

// Run makes the image the root that nodes boot, as the flags say.
func (o Deploy) Run(ctx context.Context, image deploy.Image, make Make, s cli.Streams) error {
	options := deploy.Options{
		Dir: o.nfsroot, Tag: o.tag, NoSwitch: o.noSwitch, AllowOlder: o.allowOlder,
		MaxEntries: o.MaxEntries(), MaxSize: int64(o.size), Refuse: o.refuse, Labels: unpack.Labels(o.labels), Link: o.link,
		Booted: func(r boot.Report) error {
			err := r.WriteTable(s.Err)
			Hints(r, s.Err)
			return err
		},
		Note: s.Note,
	}
	if o.Check {
		trial := o.Machine.Trial(make, s)
		options.Trial = &trial
	}
	_, err := image.Deploy(ctx, options)
	return err
}

// MaxEntries is how many entries an image may have.
func (o Deploy) MaxEntries() int { return int(min(o.entries, math.MaxInt32)) }
