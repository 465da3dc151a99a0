package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/compare"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
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
	build    buildOptions // of which it has those that make an image

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
	f.StringVar(&o.nfsroot, "nfsroot", "/diskless/nfsroot", "directory of node roots")
	f.StringVar(&o.work, "work", "", "empty directory to build in, which is kept (default: one below the state directory, which is removed)")
	f.StringSliceVar(&o.packages, "packages", nil, "build and compare these packages only")
	f.BoolVar(&o.json, "json", false, "as JSON")
	f.BoolVar(&o.all, "all", false, "tell every difference, not only the first")
	o.statement.addFlags(cmd)
	o.registry.addFlags(cmd)
	o.build.addMake(cmd)
	return cmd
}

func runReproduce(ctx context.Context, what string, o reproduceOptions, s streams) error {
	if _, err := o.build.parse(); err != nil {
		return err
	}
	key, err := o.statement.check(o.packages)
	if err != nil {
		return err
	}
	report, err := reproduce(ctx, what, key, o, s)
	if err != nil {
		return err
	}
	if err := report.write(o, s); err != nil {
		return err
	}
	if n := len(report.Differences); n > 0 {
		return fmt.Errorf("reproducing %s: built again it is another image, in %d places", report.Image, n)
	}
	return nil
}

// reproduce holds the state directory, which has the image, the sources and the
// base, while it builds in another one.
func reproduce(ctx context.Context, what string, key *oci.PrivateKey, o reproduceOptions, s streams) (_ reproduced, err error) {
	runc, err := engine.FindRunc(ctx, o.build.runc)
	if err != nil {
		return reproduced{}, err
	}
	state, err := o.build.state.open("reproduce " + what + o.target)
	if err != nil {
		return reproduced{}, err
	}
	defer closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return reproduced{}, err
	}
	work, err := builder.OpenScratch(ctx, o.workDir(), "rootbuild reproduce", runc, o.work == "")
	if err != nil {
		return reproduced{}, err
	}
	defer func() { err = errors.Join(err, o.leave(work, runc)) }()
	r := reproduction{options: o, state: state, layout: layout, work: work}
	subject, err := r.find(ctx, what, s)
	if err != nil {
		return reproduced{}, err
	}
	report, err := r.run(ctx, subject, s)
	if err == nil && report.Identical && key != nil {
		err = r.vouch(subject, report, key)
	}
	return report, err
}

// workDir is where the image is built again.
func (o reproduceOptions) workDir() string {
	if o.work != "" {
		return o.work
	}
	return filepath.Join(o.build.state.dir, "reproduce")
}

// leave gives the directory of a build up. After an interrupt too: nothing of it
// is of use to the next run.
func (o reproduceOptions) leave(work *builder.State, runc string) error {
	if o.work != "" {
		return work.Close()
	}
	return work.Remove(context.Background(), runc)
}

// subject is an image to build again, and what of.
type subject struct {
	name       string
	repository string // of a registry that it was pulled from, or empty
	digest     v1.Hash
	graph      stages.Graph
	made       stages.Made // zero with --target
}

// find brings the image, and resolves what it carries.
func (r reproduction) find(ctx context.Context, what string, s streams) (subject, error) {
	if t := r.options.target; t != "" {
		graph, err := loadGraph(t)
		if err != nil {
			return subject{}, err
		}
		digest, err := r.local(graph.Target.Name)
		return subject{name: graph.Target.Name + "@" + digest.String(), digest: digest, graph: graph}, err
	}
	digest, repository, err := r.bring(ctx, what, s)
	if err != nil {
		return subject{}, err
	}
	graph, made, err := readBlueprint(r.layout, digest, filepath.Join(r.options.workDir(), "blueprint"))
	if err != nil {
		return subject{}, fmt.Errorf("reproducing %s: %w", what, err)
	}
	return subject{graph.Target.Name + "@" + digest.String(), repository, digest, graph, made}, nil
}

// bring returns the digest of the image that a person means, pulled if it is not
// in the state directory, and the repository that it comes from.
func (r reproduction) bring(ctx context.Context, what string, s streams) (digest v1.Hash, repository string, err error) {
	from, err := oci.ParseReference(what)
	if err != nil || strings.HasPrefix(what, "sha256:") {
		digest, err = r.local(what)
		return digest, "", err
	}
	options, err := r.options.registry.options()
	if err != nil {
		return v1.Hash{}, "", err
	}
	pulled, err := transfer(ctx, r.layout, from, oci.Unverified, options, r.options.build.state, s)
	return pulled.Digest, from.Repository(), err
}

// local returns the digest of an image in the state directory.
func (r reproduction) local(what string) (v1.Hash, error) {
	ref, err := findImage(what, r.state.Images(), r.options.nfsroot)
	if err != nil {
		return v1.Hash{}, err
	}
	digest, err := digestOf(ref.String(), r.options.nfsroot)
	if err == nil {
		_, err = r.layout.Image(digest)
	}
	return digest, err
}

// compared are the differences between the image and the one built again.
func (r reproduction) compared(digest, again v1.Hash, to *oci.Layout) ([]compare.Difference, error) {
	if digest == again {
		return nil, nil
	}
	a, err := r.layout.Image(digest)
	if err != nil {
		return nil, err
	}
	b, err := to.Image(again)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range r.options.packages {
		names = append(names, "package "+p)
	}
	return compare.Images(a, b, names...)
}
