package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/spf13/cobra"
)

const signHelp = `sign signs an image with a key. The image is in a registry (HOST/REPOSITORY:TAG, or
by digest), in a layout (oci:DIR), or in the state directory, as push takes it: by
the TAG of a node root, a target's name, or NAME@sha256:DIGEST. There the
signatures stay beside it, and go with it when it is pushed or exported.

An image is signed for the repository that it is in; --for names that of an image
which is in none yet. The serial orders the images of a repository: a master
refuses one with a lower serial than it had before.`

// signOptions are the flags of sign.
type signOptions struct {
	key        string
	repository string
	serial     uint64
	nfsroot    string
	registry   registryOptions
	state      stateOptions
}

func newSign(s streams) *cobra.Command {
	var o signOptions
	cmd := &cobra.Command{
		Use:   "sign TAG|REF|LAYOUT --key KEY",
		Short: "sign an image",
		Long:  signHelp,
		Args:  exactly(1, "what to sign: rootbuild sign TAG|REF|LAYOUT --key KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSign(cmd.Context(), args[0], o, s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "key", "", "private key, as rootbuild keygen and cosign write it")
	f.StringVar(&o.repository, "for", "", "repository that the image is meant for, HOST/REPOSITORY")
	f.Uint64Var(&o.serial, "serial", 0, "serial of the image (default: the time, in seconds since 1970)")
	addNFSRoot(cmd, &o.nfsroot)
	o.registry.addFlags(cmd)
	o.state.addFlags(cmd)
	return cmd
}

func runSign(ctx context.Context, what string, o signOptions, s streams) error {
	if o.key == "" {
		return usageError{errors.New("--key is missing: the private key to sign with (see rootbuild keygen)")}
	}
	if strings.HasPrefix(what, "oci-archive:") {
		return usageError{fmt.Errorf("%s: an archive is not written to: sign the image before it is exported, or its layout", what)}
	}
	if o.repository != "" {
		if _, err := parseRegistry(o.repository + ":tag"); err != nil {
			return usageError{fmt.Errorf("--for %q: want HOST/REPOSITORY", o.repository)}
		}
	}
	key, err := readPrivateKey(o.key)
	if err != nil {
		return err
	}
	options := trust.SignOptions{Key: key, Repository: o.repository, Serial: cmp.Or(o.serial, uint64(time.Now().Unix()))}
	signed, err := sign(ctx, what, options, o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, signed)
	return err
}

// sign signs where the image is, and returns its reference by digest.
func sign(ctx context.Context, what string, so trust.SignOptions, o signOptions) (string, error) {
	if ref, err := oci.ParseReference(what); err == nil && ref.Registry() {
		options, err := o.registry.options()
		if err != nil {
			return "", err
		}
		so.Repository = cmp.Or(so.Repository, ref.Repository())
		h, err := registry.Attach(ctx, ref, so.Signatures, options)
		if err != nil {
			return "", fmt.Errorf("signing %s: %w", ref, err)
		}
		return ref.At(h), nil
	}
	images := filepath.Join(o.state.dir, "images")
	ref, err := findImage(what, images, o.nfsroot)
	if err != nil {
		return "", err
	}
	if dir := ref.Dir(); dir != images {
		h, err := signLayout(ctx, ref, so)
		return ref.At(h), err
	}
	state, err := o.state.open("sign " + what)
	if err != nil {
		return "", err
	}
	h, err := signLayout(ctx, ref, so)
	return ref.At(h), errors.Join(err, state.Close())
}

func signLayout(ctx context.Context, ref oci.Reference, o trust.SignOptions) (v1.Hash, error) {
	h, err := registry.Resolve(ctx, ref, registry.Options{})
	if err != nil {
		return h, err
	}
	layout, err := oci.OpenLayout(ref.Dir())
	if err != nil {
		return h, err
	}
	return h, trust.Sign(layout, h, o)
}

// signingKey reads the key of --sign, before a build and not after it.
func (o buildOptions) signingKey() (*trust.PrivateKey, error) {
	switch {
	case o.sign == "":
		return nil, nil
	case len(o.push) == 0:
		return nil, usageError{errors.New("--sign: nothing is pushed; use --push, or rootbuild sign")}
	}
	return readPrivateKey(o.sign)
}

// signFor signs a built image for a repository, once for each key, which may be
// nil.
func signFor(ctx context.Context, i deploy.Image, key *trust.PrivateKey, repository string) error {
	if key == nil {
		return nil
	}
	public, err := key.Public()
	if err != nil {
		return err
	}
	signed, err := public.Signed(ctx, i.Layout, i.Digest, repository)
	if err != nil || signed {
		return err
	}
	return trust.Sign(i.Layout, i.Digest, trust.SignOptions{Key: key, Repository: repository, Serial: uint64(time.Now().Unix())})
}
