package main

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/spf13/cobra"
)

type pushVerb struct {
	image    imageOptions
	registry registryOptions
}

func (v *pushVerb) AddFlags(cmd *cobra.Command) {
	v.image.AddFlags(cmd)
	v.image.state.addProgress(cmd)
	v.registry.AddFlags(cmd)
}

func (v *pushVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if err := v.image.state.check(); err != nil {
		return err
	}
	to, err := parseRegistry(args[1])
	if err != nil {
		return err
	}
	from, err := v.image.find(args[0])
	if err != nil {
		return err
	}
	digest, err := pushImage(ctx, from, to, v.registry, v.image.state, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, to.At(digest))
	return err
}

// parseRegistry reads a reference that has to be a registry's.
func parseRegistry(ref string) (oci.Reference, error) {
	to, err := oci.ParseReference(ref)
	if err == nil && !to.Registry() {
		err = fmt.Errorf("reference %q is no registry's: want HOST/REPOSITORY:TAG; a build copies to layouts with --output", ref)
	}
	if err != nil {
		return to, cli.UsageError{Err: err}
	}
	return to, nil
}

// pushImage sends an image, with its progress in a display of its own.
func pushImage(ctx context.Context, from, to oci.Reference, ro registryOptions, so stateOptions, s cli.Streams) (digest v1.Hash, err error) {
	err = transfer("push "+to.String(), ro, so, s, func(options registry.Options) error {
		digest, err = registry.Push(ctx, from, to, options)
		return err
	})
	return digest, err
}
