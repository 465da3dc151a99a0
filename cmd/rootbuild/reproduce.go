package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/spf13/cobra"
)

const reproduceHelp = `reproduce builds an image again, in an empty state directory, and compares: it
says "identical", or each difference by package, file and kind, with the section
of an ELF file and the member of an archive; with any the exit code is 1.

What is built is what the image carries: its target, its recipes, and the digests
of its sources and its base. The image is that of a node root's TAG, the newest
of a target's name, NAME@sha256:DIGEST as a build prints it, or a registry's or
layout's REF, which is pulled. With --target it is the newest of that target, and
what is built is the target as it stands.

Sources are pinned by sha256 and are read from the state directory, where they are
checked again; those that it lacks are fetched. The base is the one that the image
names if the state directory has it, and else another one.`

// reproduceOptions are the flags of reproduce.
type reproduceOptions struct {
	target   string
	nfsroot  string
	work     string
	packages []string
	json     bool
	all      bool
	registry registryOptions
	make     makeOptions

	statement statementOptions
}

func newReproduce(s streams) *cobra.Command {
	var o reproduceOptions
	cmd := &cobra.Command{
		Use:   "reproduce TAG|REF",
		Short: "build an image again from what it carries, and compare",
		Long:  reproduceHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1) == (o.target != "") {
				return usageError{errors.New("name one image to build again: rootbuild reproduce TAG|REF, or --target TARGET")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReproduce(cmd.Context(), strings.Join(args, ""), o, s)
		},
	}
	addTarget(cmd, &o.target)
	f := cmd.Flags()
	addNFSRoot(cmd, &o.nfsroot)
	f.StringVar(&o.work, "work", "", "empty directory to build in, which is kept (default: one below the state directory, which is removed)")
	f.StringSliceVar(&o.packages, "packages", nil, "build and compare these packages only")
	f.BoolVar(&o.json, "json", false, "as JSON")
	f.BoolVar(&o.all, "all", false, "tell every difference, not only the first")
	o.statement.addFlags(cmd)
	o.registry.addFlags(cmd)
	o.make.addFlags(cmd)
	return cmd
}

func runReproduce(ctx context.Context, what string, o reproduceOptions, s streams) error {
	if err := o.make.check(); err != nil {
		return usageError{err}
	}
	if _, err := o.registry.options(); err != nil {
		return err
	}
	key, err := o.statement.check(o.packages)
	if err != nil {
		return err
	}
	report, err := o.reproduce(ctx, what, key, s)
	if err != nil {
		return err
	}
	if err := o.write(report, s); err != nil {
		return err
	}
	if n := len(report.Differences); n > 0 {
		return fmt.Errorf("reproducing %s: built again it is another image, in %d places", report.Image, n)
	}
	return nil
}

// reproduce holds the state directory, which has the image, the sources and the
// base, while another one is built in.
func (o reproduceOptions) reproduce(ctx context.Context, what string, key *trust.PrivateKey, s streams) (_ builder.Reproduced, err error) {
	state, err := o.make.state.open("reproduce " + what + o.target)
	if err != nil {
		return builder.Reproduced{}, err
	}
	defer closing(state, &err)
	options, err := o.make.options(o.registry, nil)
	if err != nil {
		return builder.Reproduced{}, err
	}
	r, err := state.Reproduce(ctx, builder.ReproduceOptions{Options: options, Work: o.work, Packages: o.packages})
	if err != nil {
		return builder.Reproduced{}, err
	}
	defer closing(r, &err)
	subject, repository, err := o.find(ctx, what, r, state, s)
	if err != nil {
		return builder.Reproduced{}, err
	}
	var report builder.Reproduced
	err = o.make.state.show(s, func(display *engine.Display) error {
		report, err = r.Run(ctx, subject, display)
		return err
	})
	if err == nil && report.Identical && key != nil {
		err = r.Vouch(subject, report, key, cmp.Or(o.statement.repository, repository))
	}
	return report, err
}

// find brings the image and what it is built of, and says which repository it comes
// from, if it was pulled.
func (o reproduceOptions) find(ctx context.Context, what string, r *builder.Reproduction, state *builder.State, s streams) (subject builder.Subject, repository string, err error) {
	if o.target != "" {
		graph, err := loadGraph(o.target)
		if err != nil {
			return subject, "", err
		}
		digest, err := o.local(graph.Target.Name, state)
		if err != nil {
			return subject, "", err
		}
		if subject, err = r.OfTarget(graph, digest); err != nil {
			return subject, "", err
		}
		return subject, "", o.checkPackages(subject)
	}
	digest, repository, err := o.bring(ctx, what, state, s)
	if err != nil {
		return subject, "", err
	}
	if subject, err = r.OfImage(digest); err != nil {
		return subject, "", fmt.Errorf("reproducing %s: %w", what, err)
	}
	return subject, repository, o.checkPackages(subject)
}

// bring returns the digest of the image that a person means, pulled if it is not
// in the state directory, and the repository that it comes from.
func (o reproduceOptions) bring(ctx context.Context, what string, state *builder.State, s streams) (digest v1.Hash, repository string, err error) {
	from, err := oci.ParseReference(what)
	if err != nil || strings.HasPrefix(what, "sha256:") {
		digest, err = o.local(what, state)
		return digest, "", err
	}
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return digest, "", err
	}
	pulled, err := pullImage(ctx, layout, from, trust.Unverified, o.registry, o.make.state, s)
	return pulled.Digest, from.Repository(), err
}

// local returns the digest of an image in the state directory.
func (o reproduceOptions) local(what string, state *builder.State) (v1.Hash, error) {
	ref, err := findImage(what, state.Images(), o.nfsroot)
	if err != nil {
		return v1.Hash{}, err
	}
	return digestOf(ref.String(), o.nfsroot)
}

// checkPackages refuses packages that the image has not.
func (o reproduceOptions) checkPackages(of builder.Subject) error {
	for _, name := range o.packages {
		if !slices.Contains(of.Graph.Packages, name) {
			return usageError{fmt.Errorf("the image has no package %q%s", name, images.DidYouMean(name, of.Graph.Packages))}
		}
	}
	return nil
}

// firstDifferences are as many as a person reads.
const firstDifferences = 20

func (o reproduceOptions) write(r builder.Reproduced, s streams) error {
	if o.json {
		return writeJSON(s.out, r)
	}
	for _, note := range r.Notes {
		s.note(note)
	}
	if r.Identical {
		what := r.Image
		if len(r.Packages) > 0 {
			what = fmt.Sprintf("%d packages of %s", len(r.Packages), r.Image)
		}
		_, err := fmt.Fprintln(s.out, "identical:", what)
		return err
	}
	for i, d := range r.Differences {
		if i == firstDifferences && !o.all {
			fmt.Fprintf(s.err, "%d more; --all tells them\n", len(r.Differences)-i)
			break
		}
		if _, err := fmt.Fprintln(s.out, d); err != nil {
			return err
		}
	}
	return nil
}
