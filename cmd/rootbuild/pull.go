package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

type pullVerb struct {
	trust  trustOptions
	deploy deployOptions
	make   makeOptions // of the initramfs that --check boots with
}

func (v *pullVerb) AddFlags(cmd *cobra.Command) {
	v.deploy.AddFlags(cmd)
	v.make.packages.AddFlags(cmd)
	v.make.registry.AddFlags(cmd)
	v.make.registry.addMirrors(cmd)
	v.trust.AddFlags(cmd)
	v.make.AddFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&v.deploy.allowOlder, "allow-older", false, "take an image with a lower serial than one that was taken before")
	f.StringVar(&v.deploy.labels, "labels", string(unpack.DropLabels), "`what` becomes of files' labels (SELinux's, IMA's, overlayfs' and the like): drop, keep or refuse")
	f.BoolVar(&v.deploy.refuse.Devices, "no-devices", false, "refuse an image with device nodes")
	f.BoolVar(&v.deploy.refuse.Setuid, "no-setuid", false, "refuse an image with setuid or setgid files, or files with capabilities")
}

// entryMemory is what a pull may take in memory for each entry that the image may
// have, before its garbage is collected more often.
const entryMemory = 330

func (v *pullVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if err := v.make.state.check(); err != nil {
		return err
	}
	if !slices.Contains(unpack.AllLabels, unpack.Labels(v.deploy.labels)) {
		return cli.UsageErrorf("--labels %q: want one of %v", v.deploy.labels, unpack.AllLabels)
	}
	debug.SetMemoryLimit(entryMemory * int64(max(v.deploy.maxEntries(), unpack.DefaultMaxEntries)))
	from, err := oci.ParseReference(args[0])
	if err != nil {
		return cli.UsageError{Err: err}
	}
	if err := v.deploy.prepare(ctx, true, v.make, s); err != nil {
		return err
	}
	policy, err := v.trust.load(from, s)
	if err != nil {
		return err
	}
	image, err := v.pull(ctx, from, policy, s)
	if err != nil {
		return err
	}
	if err := v.deploy.run(ctx, image, v.make, s); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, image.Reference())
	return err
}

// pull holds the state directory while the image comes.
func (v *pullVerb) pull(ctx context.Context, from oci.Reference, policy trust.Policy, s cli.Streams) (_ deploy.Image, err error) {
	if _, err := v.make.registry.options(); err != nil {
		return deploy.Image{}, err
	}
	state, err := v.make.state.open("pull " + from.String())
	if err != nil {
		return deploy.Image{}, err
	}
	defer cli.Closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return deploy.Image{}, err
	}
	pulled, err := pullImage(ctx, layout, from, policy, v.make.registry, v.make.state, s)
	if err != nil {
		return deploy.Image{}, err
	}
	pulled.WriteText(s.Err)
	return deploy.Image{
		Layout: layout, Digest: pulled.Digest, Target: deploy.TargetOf(pulled.Title),
		From: from.At(pulled.Digest), Verdict: pulled.Verdict,
	}, nil
}

// pullImage brings an image into a layout, with its progress in a display of its own.
func pullImage(ctx context.Context, l *oci.Layout, from oci.Reference, policy trust.Policy, ro registryOptions, so stateOptions, s cli.Streams) (pulled registry.Pulled, err error) {
	err = transfer("pull "+from.String(), ro, so, s, func(options registry.Options) error {
		pulled, err = registry.Pull(ctx, l, from, policy, options)
		return err
	})
	return pulled, err
}
