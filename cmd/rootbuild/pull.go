package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
	"github.com/spf13/cobra"
)

type pullVerb struct {
	trust  flags.Trust
	deploy flags.Deploy
	make   flags.Make // of the initramfs that --check boots with
}

func (v *pullVerb) AddFlags(cmd *cobra.Command) {
	v.deploy.AddFlags(cmd)
	v.deploy.AddRefusals(cmd)
	v.trust.AddFlags(cmd)
	v.make.AddFlags(cmd)
	v.make.Registry.AddMirrors(cmd)
}

// entryMemory is what a pull may take in memory for each entry that the image may
// have, before its garbage is collected more often.
const entryMemory = 330

func (v *pullVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if err := v.make.State.Check(); err != nil {
		return err
	}
	if err := v.deploy.CheckRefusals(); err != nil {
		return err
	}
	debug.SetMemoryLimit(entryMemory * int64(max(v.deploy.MaxEntries(), unpack.DefaultMaxEntries)))
	from, err := oci.ParseReference(args[0])
	if err != nil {
		return cli.UsageError{Err: err}
	}
	if err := v.deploy.Prepare(ctx, true, v.make, s); err != nil {
		return err
	}
	policy, err := v.trust.Policy(from, s)
	if err != nil {
		return err
	}
	image, err := v.pull(ctx, from, policy, s)
	if err != nil {
		return err
	}
	if err := v.deploy.Run(ctx, image, v.make, s); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, image.Reference())
	return err
}

// pull holds the state directory while the image comes.
func (v *pullVerb) pull(ctx context.Context, from oci.Reference, policy trust.Policy, s cli.Streams) (_ deploy.Image, err error) {
	if _, err := v.make.Registry.Options(); err != nil {
		return deploy.Image{}, err
	}
	state, err := v.make.State.Open("pull " + from.String())
	if err != nil {
		return deploy.Image{}, err
	}
	defer cli.Closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return deploy.Image{}, err
	}
	pulled, err := v.make.Registry.Pull(ctx, layout, from, policy, v.make.State, s)
	if err != nil {
		return deploy.Image{}, err
	}
	pulled.WriteText(s.Err)
	return deploy.Image{
		Layout: layout, Digest: pulled.Digest, Target: deploy.TargetOf(pulled.Title),
		From: from.At(pulled.Digest), Verdict: pulled.Verdict,
	}, nil
}
