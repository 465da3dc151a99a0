package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot"
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
	cmd.Flags().StringVar(&o.nfsroot, "nfsroot", "/diskless/nfsroot", "directory of node roots")
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
func pushImage(ctx context.Context, from, to oci.Reference, ro registryOptions, so stateOptions, s streams) (_ v1.Hash, err error) {
	options, err := ro.options()
	if err != nil {
		return v1.Hash{}, err
	}
	display, err := so.display(s)
	if err != nil {
		return v1.Hash{}, err
	}
	defer closing(display, &err)
	progress := newTransferProgress(display, "push "+to.String())
	options.Progress = progress.show
	digest, err := oci.Push(ctx, from, to, options)
	progress.done(err)
	return digest, err
}

// pushBuilt sends an image that was just built to where --push says, signed if
// there is a key.
func pushBuilt(ctx context.Context, i image, key *oci.PrivateKey, o buildOptions, s streams) error {
	for _, ref := range o.push {
		to, err := parseRegistry(ref)
		if err != nil {
			return err
		}
		if err := signFor(ctx, i, key, to.Repository()); err != nil {
			return err
		}
		if _, err := pushImage(ctx, i.layout.Reference(i.digest), to, o.registry, o.state, s); err != nil {
			return err
		}
	}
	return nil
}

// findImage returns the image that a person means: in a layout, or in that of
// the state directory.
func findImage(what, images, roots string) (oci.Reference, error) {
	if strings.HasPrefix(what, "oci:") || strings.HasPrefix(what, "oci-archive:") {
		from, err := oci.ParseReference(what)
		if err != nil {
			return from, usageError{err}
		}
		return from, nil
	}
	named, found, err := oci.Tagged(images, what)
	if err != nil {
		return oci.Reference{}, err
	}
	digest, err := digestOf(what, roots)
	if err != nil {
		return oci.Reference{}, err
	}
	ofRoot, err := oci.ParseReference("oci:" + images + "@" + digest.String())
	switch {
	case found && digest != (v1.Hash{}) && named != ofRoot:
		return oci.Reference{}, fmt.Errorf("%s is the name of an image, %s, and of a node root with another one, %s: name it by its digest", what, named, ofRoot)
	case found:
		return named, nil
	case digest == (v1.Hash{}):
		return oci.Reference{}, fmt.Errorf("%q is no node root in %s and no image in %s (see rootbuild ls)", what, roots, images)
	}
	return ofRoot, err
}

// digestOf returns the digest that a reference ends with, or that of a root's
// image; it is zero when there is none.
func digestOf(what, roots string) (v1.Hash, error) {
	if _, digest, ok := strings.Cut(what, "@"); ok {
		h, err := v1.NewHash(digest)
		if err != nil {
			return h, usageError{fmt.Errorf("reference %q: %w", what, err)}
		}
		return h, nil
	}
	view, err := nfsroot.OpenReadOnly(roots)
	if errors.Is(err, fs.ErrNotExist) {
		return v1.Hash{}, nil
	}
	if err != nil {
		return v1.Hash{}, err
	}
	list, err := view.List()
	if err != nil {
		return v1.Hash{}, err
	}
	for _, r := range list {
		if r.Tag == what {
			return r.Digest, nil
		}
	}
	return v1.Hash{}, nil
}
