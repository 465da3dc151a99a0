package main

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/spf13/cobra"
)

const pushHelp = `push sends an image to a registry. Only what the registry lacks moves.

The image is that of a node root's TAG, the newest of a target's name, or
NAME@sha256:DIGEST as a build prints it: all of these in the state directory. Or
it is in a layout: oci:DIR, oci-archive:FILE. Credentials are those of docker
login.`

// pushOptions are the flags of push.
type pushOptions struct {
	nfsroot  string
	registry registryOptions
	state    stateOptions
}

func newPush(s streams) *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use:   "push TAG|LAYOUT REF",
		Short: "send an image to a registry",
		Long:  pushHelp,
		Args:  exactly(2, "what to push, and where to: rootbuild push TAG|LAYOUT REF"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPush(cmd.Context(), args[0], args[1], o, s)
		},
	}
	addNFSRoot(cmd, &o.nfsroot)
	o.registry.addFlags(cmd)
	o.state.addFlags(cmd)
	o.state.addProgress(cmd)
	return cmd
}

// exactly refuses any other number of arguments.
func exactly(n int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("got %d arguments, want %s", len(args), want)}
		}
		return nil
	}
}

func runPush(ctx context.Context, what, where string, o pushOptions, s streams) error {
	if err := o.state.check(); err != nil {
		return err
	}
	to, err := parseRegistry(where)
	if err != nil {
		return err
	}
	from, err := findImage(what, filepath.Join(o.state.dir, "images"), o.nfsroot)
	if err != nil {
		return err
	}
	digest, err := pushImage(ctx, from, to, o.registry, o.state, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, to.At(digest))
	return err
}

// parseRegistry reads a reference that has to be a registry's.
func parseRegistry(ref string) (oci.Reference, error) {
	to, err := oci.ParseReference(ref)
	if err == nil && !to.Registry() {
		err = fmt.Errorf("reference %q is no registry's: want HOST/REPOSITORY:TAG; a build copies to layouts with --output", ref)
	}
	if err != nil {
		return to, usageError{err}
	}
	return to, nil
}

// pushImage sends an image, with its progress in a display of its own.
func pushImage(ctx context.Context, from, to oci.Reference, ro registryOptions, so stateOptions, s streams) (digest v1.Hash, err error) {
	err = transfer("push "+to.String(), ro, so, s, func(options registry.Options) error {
		digest, err = registry.Push(ctx, from, to, options)
		return err
	})
	return digest, err
}

// pushBuilt sends an image that was just built to where --push says, signed if
// there is a key.
func (o buildOptions) pushBuilt(ctx context.Context, i deploy.Image, key *trust.PrivateKey, s streams) error {
	for _, ref := range o.push {
		to, err := parseRegistry(ref)
		if err != nil {
			return err
		}
		if err := signFor(ctx, i, key, to.Repository()); err != nil {
			return err
		}
		if _, err := pushImage(ctx, i.Layout.Reference(i.Digest), to, o.registry, o.make.state, s); err != nil {
			return err
		}
	}
	return nil
}
