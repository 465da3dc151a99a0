package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/stages"
)

// buildOptions are the flags of the main job.
type buildOptions struct {
	target    flags.Target
	noUnpack  bool
	ask       bool
	keepGoing bool
	outputs   []string
	push      []string
	sign      string // private key for what is pushed
	builderID string // by which provenance names this host

	pushPackages string
	deploy       flags.Deploy
	make         flags.Make
}

func (o *buildOptions) AddFlags(cmd *cobra.Command) {
	o.target.AddFlags(cmd)
	o.deploy.AddFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.noUnpack, "no-unpack", false, "only build the image")
	f.StringArrayVar(&o.push, "push", nil, "send the image to a registry too: `HOST/REPOSITORY:TAG`; may be given again")
	f.StringVar(&o.pushPackages, "push-packages", "", "send each package that was built here to this `place`, if it lacks it: HOST/REPOSITORY, oci:DIR or oci-archive:FILE")
	f.StringVar(&o.sign, "sign", "", "sign what --push and --push-packages send with the private key in this `file` (see rootbuild sign)")
	f.StringVar(&o.builderID, "builder-id", provenance.DefaultBuilderID, "`URI` by which provenance names who builds")
	f.StringArrayVar(&o.outputs, "output", nil, "export the image too, to this `place`: oci:DIR, oci-archive:FILE or docker-archive:FILE; may be given again")
	f.BoolVar(&o.ask, "ask", false, "show what there is to build, and ask before it starts")
	f.BoolVar(&o.keepGoing, "keep-going", false, "when a package fails, build all that do not need it, and tell every failure")
	o.make.AddFlags(cmd)
}

// runBuild is the whole line: target, stages, image, node root, current.
func runBuild(ctx context.Context, o buildOptions, s cli.Streams) error {
	graph, err := o.target.Graph()
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
		if err := o.deploy.Run(ctx, image, o.make, s); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(s.Out, image.Reference())
	return err
}

// prepare says before an hour of building, not after, what keeps the image from
// becoming a root.
func (o *buildOptions) prepare(ctx context.Context, hasKernel bool, s cli.Streams) error {
	if o.deploy.Check && o.noUnpack {
		return cli.UsageError{Err: errors.Join(o.deploy.Machine.Check(), errors.New("--check boots the unpacked root: it does not go with --no-unpack"))}
	}
	if o.noUnpack {
		return nil
	}
	return o.deploy.Prepare(ctx, hasKernel, o.make, s)
}

// parse reads the values of flags, and tells all that are wrong.
func (o buildOptions) parse() ([]oci.Destination, error) {
	errs := []error{o.make.Check(), o.checkAsk(os.Stdin)}
	if u, err := url.Parse(o.builderID); err != nil || u.Scheme == "" {
		errs = append(errs, fmt.Errorf("--builder-id %q: want a URI, such as https://example.org/builders/1", o.builderID))
	}
	var list []oci.Destination
	for _, output := range o.outputs {
		d, err := oci.ParseDestination(output)
		list, errs = append(list, d), append(errs, err)
	}
	for _, ref := range o.push {
		_, err := flags.ParseRegistry(ref)
		errs = append(errs, err)
	}
	_, err := o.publish(nil)
	errs = append(errs, err)
	_, err = o.make.Places()
	errs = append(errs, err)
	_, err = o.make.Registry.Options()
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, cli.UsageError{Err: err}
	}
	return list, nil
}

// build makes the image of a graph.
func (o buildOptions) build(ctx context.Context, graph stages.Graph, key *trust.PrivateKey, s cli.Streams) (deploy.Image, error) {
	image := deploy.Image{Target: graph.Target.Name}
	err := o.make.Hold("--target "+string(o.target), s, func(w flags.Workshop) (err error) {
		w.Options.KeepGoing, w.Options.BuilderID = o.keepGoing, o.builderID
		if w.Options.Packages, err = o.make.Places(); err != nil {
			return err
		}
		if w.Options.Publish, err = o.publish(key); err != nil {
			return err
		}
		if image.Layout, err = oci.OpenLayout(w.State.Images()); err == nil {
			image.Digest, err = builder.Build(ctx, w.State, graph, w.Options)
		}
		return err
	})
	return image, err
}
