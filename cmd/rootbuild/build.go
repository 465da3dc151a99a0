package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/stages"
)

// buildOptions are the flags of the main job.
type buildOptions struct {
	target    string
	noUnpack  bool
	ask       bool
	keepGoing bool
	outputs   []string
	push      []string
	sign      string // private key for what is pushed
	builderID string // by which provenance names this host

	pushPackages string
	deploy       deployOptions
	make         makeOptions
}

func (o *buildOptions) AddFlags(cmd *cobra.Command) {
	addTarget(cmd, &o.target)
	o.deploy.AddFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.noUnpack, "no-unpack", false, "only build the image")
	f.StringArrayVar(&o.push, "push", nil, "send the image to a registry too: `HOST/REPOSITORY:TAG`; may be given again")
	o.make.packages.AddFlags(cmd)
	f.StringVar(&o.pushPackages, "push-packages", "", "send each package that was built here to this `place`, if it lacks it: HOST/REPOSITORY, oci:DIR or oci-archive:FILE")
	f.StringVar(&o.sign, "sign", "", "sign what --push and --push-packages send with the private key in this `file` (see rootbuild sign)")
	f.StringVar(&o.builderID, "builder-id", provenance.DefaultBuilderID, "`URI` by which provenance names who builds")
	o.make.registry.AddFlags(cmd)
	f.StringArrayVar(&o.outputs, "output", nil, "export the image too, to this `place`: oci:DIR, oci-archive:FILE or docker-archive:FILE; may be given again")
	f.BoolVar(&o.ask, "ask", false, "show what there is to build, and ask before it starts")
	f.BoolVar(&o.keepGoing, "keep-going", false, "when a package fails, build all that do not need it, and tell every failure")
	o.make.AddFlags(cmd)
}

// runBuild is the whole line: target, stages, image, node root, current.
func runBuild(ctx context.Context, o buildOptions, s cli.Streams) error {
	graph, err := loadGraph(o.target)
	if err != nil {
		return err
	}
	destinations, err := o.parse()
	if err != nil {
		return err
	}
	key, err := o.signingKey()
	if err != nil {
		return err
	}
	if err := o.prepare(ctx, graph.Target.Kernel.Recipe != "", s); err != nil {
		return err
	}
	if o.ask {
		if err := o.askFirst(ctx, graph, os.Stdin, s); err != nil {
			return err
		}
	}
	image, err := o.build(ctx, graph, key, s)
	if err != nil {
		return err
	}
	for _, d := range destinations {
		if err := image.Layout.Export(ctx, image.Digest, d, image.Tag()); err != nil {
			return err
		}
	}
	if err := o.pushBuilt(ctx, image, key, s); err != nil {
		return err
	}
	if !o.noUnpack {
		if err := o.deploy.run(ctx, image, o.make, s); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(s.Out, image.Reference())
	return err
}

// prepare says before an hour of building, not after, what keeps the image from
// becoming a root.
func (o *buildOptions) prepare(ctx context.Context, hasKernel bool, s cli.Streams) error {
	if o.deploy.check && o.noUnpack {
		return cli.UsageError{Err: errors.Join(o.deploy.machine.check(), errors.New("--check boots the unpacked root: it does not go with --no-unpack"))}
	}
	if o.noUnpack {
		return nil
	}
	return o.deploy.prepare(ctx, hasKernel, o.make, s)
}

// parse reads the values of flags, and tells all that are wrong.
func (o buildOptions) parse() ([]oci.Destination, error) {
	errs := []error{o.make.check(), o.checkAsk(os.Stdin)}
	if u, err := url.Parse(o.builderID); err != nil || u.Scheme == "" {
		errs = append(errs, fmt.Errorf("--builder-id %q: want a URI, such as https://example.org/builders/1", o.builderID))
	}
	var list []oci.Destination
	for _, output := range o.outputs {
		d, err := oci.ParseDestination(output)
		list, errs = append(list, d), append(errs, err)
	}
	for _, ref := range o.push {
		_, err := parseRegistry(ref)
		errs = append(errs, err)
	}
	_, err := o.publish(nil)
	errs = append(errs, err)
	_, err = o.make.packages.places(o.make.registry)
	errs = append(errs, err)
	_, err = o.make.registry.options()
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, cli.UsageError{Err: err}
	}
	return list, nil
}

// build makes the image of a graph.
func (o buildOptions) build(ctx context.Context, graph stages.Graph, key *trust.PrivateKey, s cli.Streams) (deploy.Image, error) {
	image := deploy.Image{Target: graph.Target.Name}
	err := o.make.hold("--target "+o.target, s, func(w workshop) (err error) {
		w.options.KeepGoing, w.options.BuilderID = o.keepGoing, o.builderID
		if w.options.Packages, err = o.make.packages.places(o.make.registry); err != nil {
			return err
		}
		if w.options.Publish, err = o.publish(key); err != nil {
			return err
		}
		if image.Layout, err = oci.OpenLayout(w.state.Images()); err == nil {
			image.Digest, err = builder.Build(ctx, w.state, graph, w.options)
		}
		return err
	})
	return image, err
}

// signingKey reads the key of --sign, before a build and not after it.
func (o buildOptions) signingKey() (*trust.PrivateKey, error) {
	switch {
	case o.sign == "":
		return nil, nil
	case len(o.push) == 0 && o.pushPackages == "":
		return nil, cli.UsageErrorf("--sign: nothing is pushed; use --push, --push-packages, or rootbuild sign")
	}
	return readPrivateKey(o.sign)
}

// pushBuilt sends an image that was just built to where --push says, signed if
// there is a key.
func (o buildOptions) pushBuilt(ctx context.Context, i deploy.Image, key *trust.PrivateKey, s cli.Streams) error {
	for _, ref := range o.push {
		to, err := parseRegistry(ref)
		if err != nil {
			return err
		}
		if key != nil {
			if err := i.Sign(ctx, trust.SignOptions{Key: key, Repository: to.Repository(), Provenance: provenance.Of(o.make.state.dir)}); err != nil {
				return err
			}
		}
		if _, err := pushImage(ctx, i.Layout.Reference(i.Digest), to, o.make.registry, o.make.state, s); err != nil {
			return err
		}
	}
	return nil
}

func addBase(cmd *cobra.Command, ref *string) {
	cmd.Flags().StringVar(ref, "base", "", "base image to build in: `NAME@sha256:DIGEST` or oci:DIR (default: bootstrapped once with mmdebstrap)")
}

// checkBase refuses a base that is no reference.
func checkBase(ref string) error {
	if ref == "" {
		return nil
	}
	if _, err := base.Resolve(ref); err != nil {
		return cli.UsageError{Err: err}
	}
	return nil
}
