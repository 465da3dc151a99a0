package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

type reproduceVerb struct {
	target   flags.Target
	nfsroot  string
	work     string
	hosts    []string // that may be asked for sources
	packages []string
	json     bool
	all      bool

	statement  string // private key that vouches
	repository string // that it vouches for
	make       flags.Make
}

func (v *reproduceVerb) AddFlags(cmd *cobra.Command) {
	v.target.AddFlags(cmd)
	f := cmd.Flags()
	flags.AddNFSRoot(cmd, &v.nfsroot)
	f.StringVar(&v.work, "work", "", "empty `directory` to build in, which is kept (default: one below the state directory, which is removed)")
	f.StringSliceVar(&v.packages, "package", nil, "build and compare these packages only: `NAME,...`")
	f.StringArrayVar(&v.hosts, "source-host", nil, "`HOST[:PORT]` that only the image names, and that may be asked for sources; may be given again")
	f.BoolVar(&v.json, "json", false, "as JSON")
	f.BoolVar(&v.all, "all", false, "tell every difference, not only the first")
	f.StringVar(&v.statement, "statement", "", "private key in this `file`: where the images are identical, sign that they are, and keep it beside the image")
	f.StringVar(&v.repository, "for", "", "repository that the statement is meant for, `HOST/REPOSITORY` (default: the one of the image)")
	v.make.AddFlags(cmd)
	f.Lookup("packages").Usage = "compare with what this `place` has, and build with packages from there: HOST/REPOSITORY, oci:DIR or oci-archive:FILE; may be given again"
}

func (v *reproduceVerb) Run(ctx context.Context, args []string, s cli.Streams) error {
	if len(args) > 1 || (len(args) == 1) == (v.target != "") {
		return cli.UsageErrorf("name one image to build again: rootbuild reproduce TAG|REF, or --target TARGET")
	}
	if len(v.make.Packages.From) > 0 && (len(v.packages) == 0 || v.target == "") {
		return cli.UsageErrorf("--packages: say which package of which target: rootbuild reproduce --target TARGET --package NAME --packages PLACE")
	}
	if err := v.make.Check(); err != nil {
		return cli.UsageError{Err: err}
	}
	if builders, err := v.make.Builders.List(); err == nil && len(builders) > 1 {
		return cli.UsageErrorf("reproduce builds in one place: name it with --builder, given once")
	}
	if _, err := v.make.Registry.Options(); err != nil {
		return err
	}
	key, err := v.key()
	if err != nil {
		return err
	}
	report, err := v.reproduce(ctx, strings.Join(args, ""), key, s)
	if err != nil {
		return err
	}
	if v.json {
		err = s.JSON(report)
	} else {
		err = report.WriteText(s.Out, s.Err, v.all)
	}
	return cmp.Or(err, report.Err())
}

// key reads the key of a statement, and refuses what could else be told only after
// hours.
func (v *reproduceVerb) key() (*trust.PrivateKey, error) {
	switch {
	case v.statement == "" && v.repository != "":
		return nil, cli.UsageErrorf("--for without --statement KEY")
	case v.statement == "":
		return nil, nil
	case len(v.packages) > 0:
		return nil, cli.UsageErrorf("--statement is of a whole image: leave --package out")
	}
	if err := flags.CheckFor(v.repository); err != nil {
		return nil, err
	}
	return flags.ReadPrivateKey(v.statement)
}

// reproduce holds the state directory, which has the image, the sources and the
// base, while another one is built in.
func (v *reproduceVerb) reproduce(ctx context.Context, what string, key *trust.PrivateKey, s cli.Streams) (report builder.Reproduced, err error) {
	in, err := v.make.State.Open("reproduce " + what + string(v.target))
	if err != nil {
		return report, err
	}
	defer cli.Closing(in, &err)
	builders, err := v.make.Builders.List()
	if err != nil {
		return report, err
	}
	in.Use(builders...)
	options, err := v.make.Options(nil)
	if err != nil {
		return report, err
	}
	options.Sources.Hosts = v.hosts
	if len(v.make.Packages.From) > 0 {
		if options.Packages, err = v.make.Places(); err != nil {
			return report, err
		}
	}
	r, err := builder.Reproduce(ctx, in, builder.ReproduceOptions{Options: options, Work: v.work, Packages: v.packages})
	if err != nil {
		return report, err
	}
	defer cli.Closing(r, &err)
	if len(options.Packages) > 0 {
		err = v.ofPlaces(ctx, r, &report, s)
		return report, err
	}
	subject, repository, err := v.subject(ctx, what, r, in, s)
	if err != nil {
		return report, err
	}
	err = v.make.State.Show(s, func(display *engine.Display) error {
		report, err = r.Run(ctx, subject, display)
		return err
	})
	if err == nil && report.Identical && key != nil {
		err = r.Vouch(subject, report, key, cmp.Or(v.repository, repository))
	}
	return report, err
}

// ofPlaces compares packages with those that were published.
func (v *reproduceVerb) ofPlaces(ctx context.Context, r *builder.Reproduction, report *builder.Reproduced, s cli.Streams) error {
	graph, err := v.target.Graph()
	if err != nil {
		return err
	}
	return v.make.State.Show(s, func(display *engine.Display) error {
		*report, err = r.OfPlaces(ctx, graph, display)
		return err
	})
}

// subject brings the image and what it is built of, and says which repository it comes
// from, if it was pulled.
func (v *reproduceVerb) subject(ctx context.Context, what string, r *builder.Reproduction, in *state.State, s cli.Streams) (subject builder.Subject, repository string, err error) {
	local := flags.Image{NFSRoot: v.nfsroot, State: v.make.State}
	if v.target != "" {
		graph, err := v.target.Graph()
		if err != nil {
			return subject, "", err
		}
		digest, err := local.Digest(graph.Target.Name)
		if err != nil {
			return subject, "", err
		}
		subject, err = r.OfTarget(graph, digest)
		return subject, "", err
	}
	var digest v1.Hash
	from, err := oci.ParseReference(what)
	if err != nil || strings.HasPrefix(what, "sha256:") {
		digest, err = local.Digest(what)
	} else {
		digest, err = v.pull(ctx, from, in, s)
		repository = from.Repository()
	}
	if err != nil {
		return subject, "", err
	}
	if subject, err = r.OfImage(digest); err != nil {
		return subject, "", fmt.Errorf("reproducing %s: %w", what, err)
	}
	return subject, repository, nil
}

// pull brings an image that anybody may have made: it is what is built again.
func (v *reproduceVerb) pull(ctx context.Context, from oci.Reference, in *state.State, s cli.Streams) (v1.Hash, error) {
	layout, err := oci.OpenLayout(in.Images())
	if err != nil {
		return v1.Hash{}, err
	}
	pulled, err := v.make.Registry.Pull(ctx, layout, from, trust.Unverified, v.make.State, s)
	return pulled.Digest, err
}
