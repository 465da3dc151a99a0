package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

const pullHelp = `pull brings an image from a registry (HOST/REPOSITORY:TAG, or by digest), or from
a layout (oci:DIR, oci-archive:FILE), into the state directory, unpacks it as a
node root and switches "current" to it. Only what is missing moves, each byte is
checked, and a pull that broke off goes on where it was. Credentials are those
of docker login.`

// pullOptions are the flags of pull.
type pullOptions struct {
	registry registryOptions
	trust    trustOptions
	deploy   deployOptions
	make     makeOptions // of the initramfs that --check boots with
}

func newPull(s streams) *cobra.Command {
	var o pullOptions
	cmd := &cobra.Command{
		Use:   "pull REF",
		Short: "bring an image from a registry, unpack it and switch to it",
		Long:  pullHelp,
		Args:  exactly(1, "what to pull: rootbuild pull REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPull(cmd.Context(), args[0], o, s)
		},
	}
	o.deploy.addFlags(cmd)
	o.registry.addFlags(cmd)
	o.registry.addMirrors(cmd)
	o.trust.addFlags(cmd)
	cmd.Flags().BoolVar(&o.deploy.allowOlder, "allow-older", false, "take an image with a lower serial than one that was taken before")
	o.make.addFlags(cmd)
	cmd.Flags().BoolVar(&o.deploy.refuse.Devices, "no-devices", false, "refuse an image with device nodes")
	cmd.Flags().BoolVar(&o.deploy.refuse.Setuid, "no-setuid", false, "refuse an image with setuid or setgid files, or files with capabilities")
	return cmd
}

// entryMemory is what a pull may take in memory for each entry that the image may
// have, before its garbage is collected more often.
const entryMemory = 330

func runPull(ctx context.Context, ref string, o pullOptions, s streams) error {
	if err := o.make.state.check(); err != nil {
		return err
	}
	debug.SetMemoryLimit(entryMemory * int64(max(o.deploy.maxEntries(), unpack.DefaultMaxEntries)))
	from, err := oci.ParseReference(ref)
	if err != nil {
		return usageError{err}
	}
	if err := o.deploy.prepare(); err != nil {
		return err
	}
	policy, err := o.trust.load(from, s)
	if err != nil {
		return err
	}
	image, err := o.pull(ctx, from, policy, s)
	if err != nil {
		return err
	}
	if err := o.deploy.run(ctx, image, o.make, s); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, image.Reference())
	return err
}

// pull holds the state directory while the image comes.
func (o pullOptions) pull(ctx context.Context, from oci.Reference, policy trust.Policy, s streams) (_ deploy.Image, err error) {
	if _, err := o.registry.options(); err != nil {
		return deploy.Image{}, err
	}
	state, err := o.make.state.open("pull " + from.String())
	if err != nil {
		return deploy.Image{}, err
	}
	defer closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return deploy.Image{}, err
	}
	pulled, err := pullImage(ctx, layout, from, policy, o.registry, o.make.state, s)
	if err != nil {
		return deploy.Image{}, err
	}
	fmt.Fprintf(s.err, "%d blobs moved, %.1f MiB; the image has %.1f MiB\n",
		pulled.Blobs, float64(pulled.Bytes)/(1<<20), float64(pulled.Size)/(1<<20))
	if signed := pulled.Verdict.Signed; len(signed) > 0 {
		fmt.Fprintf(s.err, "signed by %s\n", strings.Join(signed, ", "))
	}
	return deploy.Image{
		Layout: layout, Digest: pulled.Digest, Target: deploy.TargetOf(pulled.Title),
		From: from.At(pulled.Digest), Verdict: pulled.Verdict,
	}, nil
}

// pullImage brings an image into a layout, with its progress in a display of its own.
func pullImage(ctx context.Context, l *oci.Layout, from oci.Reference, policy trust.Policy, ro registryOptions, so stateOptions, s streams) (pulled registry.Pulled, err error) {
	err = transfer("pull "+from.String(), ro, so, s, func(options registry.Options) error {
		pulled, err = registry.Pull(ctx, l, from, policy, options)
		return err
	})
	return pulled, err
}
