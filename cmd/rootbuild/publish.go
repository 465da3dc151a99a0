package main

import (
	"context"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
)

// publish is where what is built goes, nil if nowhere.
func (o buildOptions) publish(key *trust.PrivateKey) (*builder.Publish, error) {
	if o.pushPackages == "" {
		return nil, nil
	}
	ref, err := packages.ParsePlace(o.pushPackages)
	if err != nil {
		return nil, cli.UsageErrorf("--push-packages: %w", err)
	}
	options, err := o.make.Registry.Options()
	return &builder.Publish{Place: packages.Place{Ref: ref, Registry: options}, Key: key}, err
}

// signingKey reads the key of --sign, before a build and not after it.
func (o buildOptions) signingKey() (*trust.PrivateKey, error) {
	switch {
	case o.sign == "":
		return nil, nil
	case len(o.push) == 0 && o.pushPackages == "":
		return nil, cli.UsageErrorf("--sign: nothing is pushed; use --push, --push-packages, or rootbuild sign")
	}
	return flags.ReadPrivateKey(o.sign)
}

// pushBuilt sends an image that was just built to where --push says, signed if
// there is a key.
func (o buildOptions) pushBuilt(ctx context.Context, i deploy.Image, key *trust.PrivateKey, s cli.Streams) error {
	for _, ref := range o.push {
		to, err := flags.ParseRegistry(ref)
		if err != nil {
			return err
		}
		if key != nil {
			if err := i.Sign(ctx, trust.SignOptions{Key: key, Repository: to.Repository(), Provenance: provenance.Of(o.make.State.Dir)}); err != nil {
				return err
			}
		}
		if _, err := o.make.Registry.Push(ctx, i.Layout.Reference(i.Digest), to, o.make.State, s); err != nil {
			return err
		}
	}
	return nil
}
