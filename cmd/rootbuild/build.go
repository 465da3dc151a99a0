package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// buildOptions are the flags of the main job.
type buildOptions struct {
	target    string
	tag       string
	nfsroot   string
	noUnpack  bool
	noSwitch  bool
	check     bool
	ask       bool
	outputs   []string
	push      []string
	sign      string // private key for what is pushed
	registry  registryOptions
	base      string
	runc      string
	steps     int
	keepGoing bool
	fetch     fetchOptions
	state     stateOptions
	machine   machineOptions
	trust     trustOptions    // of an image that is pulled
	refuse    nfsroot.Refusal // of the image, before it is unpacked
	link      bool
	entries   uint // at most, of the image
}

func (o *buildOptions) addFlags(cmd *cobra.Command) {
	addTarget(cmd, &o.target)
	o.addDelivery(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.noUnpack, "no-unpack", false, "only build the image")
	f.StringArrayVar(&o.push, "push", nil, "send the image to a registry too: HOST/REPOSITORY:TAG; may be given again")
	f.StringVar(&o.sign, "sign", "", "sign what --push sends with this private key (see rootbuild sign)")
	o.registry.addFlags(cmd)
	f.StringArrayVar(&o.outputs, "output", nil, "export the image too: oci:DIR, oci-archive:FILE or docker-archive:FILE; may be given again")
	f.BoolVar(&o.ask, "ask", false, "show what there is to build, and ask before it starts")
	f.BoolVar(&o.keepGoing, "keep-going", false, "when a package fails, build all that do not need it, and tell every failure")
	o.addMake(cmd)
}

// addDelivery adds the flags of how an image becomes the root that nodes boot.
func (o *buildOptions) addDelivery(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.tag, "tag", "", "name of the node root (default TARGET-DIGEST, with 12 digits of the image's digest)")
	f.StringVar(&o.nfsroot, "nfsroot", "/diskless/nfsroot", "directory of node roots")
	f.BoolVar(&o.noSwitch, "no-switch", false, "unpack, but leave current as it is")
	f.BoolVar(&o.link, "link", false, "share the files that another root has by hard links (see docs/store.md for the price)")
	f.UintVar(&o.entries, "max-entries", nfsroot.DefaultMaxEntries, "refuse an image with more entries; each takes 250 bytes of memory")
	f.BoolVar(&o.check, "check", false, "boot the root in a virtual machine (see rootbuild boot), and switch only if all its checks pass")
	o.machine.addFlags(cmd)
}

// addMake adds the flags that every verb has which may have to make an image.
func (o *buildOptions) addMake(cmd *cobra.Command) {
	f := cmd.Flags()
	addBase(cmd, &o.base)
	f.StringVar(&o.runc, "runc", "", "runc program (default: the one beside rootbuild, else in PATH)")
	f.IntVar(&o.steps, "steps", 0, "steps that run at once (default: as many as there are cores)")
	o.fetch.addFlags(cmd)
	o.state.addFlags(cmd)
	o.state.addProgress(cmd)
}

// runBuild is the whole line: target, stages, image, node root, current.
func runBuild(ctx context.Context, o buildOptions, s streams) error {
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
	if o.check {
		if err := o.checkBoot(); err != nil {
			return err
		}
	}
	if !o.noUnpack {
		if err := checkStore(o.nfsroot); err != nil {
			return err
		}
	}
	if o.ask {
		if err := o.askFirst(ctx, graph, os.Stdin, s); err != nil {
			return err
		}
	}
	image, err := buildImage(ctx, graph, o, s)
	if err != nil {
		return err
	}
	for _, d := range destinations {
		if err := image.layout.Export(ctx, image.digest, d, image.ref()); err != nil {
			return err
		}
	}
	if err := pushBuilt(ctx, image, key, o, s); err != nil {
		return err
	}
	if !o.noUnpack {
		if err := deliver(ctx, image, o, s); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(s.out, image.reference())
	return err
}

// parse reads the values of flags, and tells all that are wrong.
func (o buildOptions) parse() ([]oci.Destination, error) {
	errs := []error{o.state.check(), o.checkAsk(os.Stdin)}
	if o.base != "" {
		_, err := base.Resolve(o.base)
		errs = append(errs, err)
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
	_, err := o.registry.options()
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return list, nil
}

// image is a finished image in the state directory.
type image struct {
	target string
	layout *oci.Layout
	digest v1.Hash
	from   string // reference that it was pulled by, or empty

	verdict oci.Verdict // who vouches for one that was pulled
}

// ref is the tag that a node root of the image gets by default.
func (i image) ref() string { return i.target + "-" + i.digest.Hex[:12] }

// reference names the image by its digest.
func (i image) reference() string { return cmp.Or(i.from, i.target+"@"+i.digest.String()) }

// buildImage holds the state directory while the image is made.
func buildImage(ctx context.Context, graph stages.Graph, o buildOptions, s streams) (_ image, err error) {
	state, err := o.state.open("--target " + o.target)
	if err != nil {
		return image{}, err
	}
	defer closing(state, &err)
	display, err := o.state.display(s)
	if err != nil {
		return image{}, err
	}
	defer closing(display, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return image{}, err
	}
	b := build{graph: graph, state: state, layout: layout, display: display, options: o}
	digest, err := b.run(ctx)
	return image{target: graph.Target.Name, layout: layout, digest: digest}, err
}

// build is one run from a graph to an image.
type build struct {
	graph   stages.Graph
	state   *builder.State
	layout  *oci.Layout
	display *engine.Display
	options buildOptions
}

func (b build) run(ctx context.Context) (v1.Hash, error) {
	base, err := b.base(ctx)
	if err != nil {
		return v1.Hash{}, err
	}
	packages, err := definitions(ctx, b.graph, base)
	if err != nil {
		return v1.Hash{}, err
	}
	start := func() (builder.Engine, error) { return b.start(ctx) }
	epoch := b.graph.Target.Epoch
	layers, err := b.state.Layers(ctx, b.layout, packages, epoch, start, b.display)
	// After a failure or an interrupt too: some stages are done.
	if err := errors.Join(err, b.remember(context.WithoutCancel(ctx), base)); err != nil {
		return v1.Hash{}, err
	}
	digest, err := b.write(ctx, layers)
	if err != nil {
		return v1.Hash{}, err
	}
	return digest, errors.Join(b.attachBlueprint(ctx, digest, base), b.attachSBOM(digest))
}

// start fetches the sources that builds will read, and starts BuildKit.
func (b build) start(ctx context.Context) (builder.Engine, error) {
	runc, err := engine.FindRunc(ctx, b.options.runc)
	if err != nil {
		return nil, err
	}
	if err := engine.CheckHost(b.state.BuildKit()); err != nil {
		return nil, err
	}
	from := b.options.fetch
	from.registry = b.options.registry
	if err := fetch(ctx, b.state, b.graph, from, b.display); err != nil {
		return nil, err
	}
	return engine.Embedded(ctx, engine.Options{
		Dir: b.state.BuildKit(), Runc: runc, Steps: b.options.steps, KeepGoing: b.options.keepGoing,
		Layouts: map[string]string{sourceStore: b.state.Distfiles(), baseStore: b.state.Images()},
	})
}

// The names by which LLB knows the layouts of the state directory.
const (
	sourceStore = "distfiles"
	baseStore   = "images"
)

// definitions marshals the root output of every package of the image.
func definitions(ctx context.Context, graph stages.Graph, base v1.Hash) ([]builder.Package, error) {
	outputs := graph.LLB(stages.Inputs{Store: sourceStore, Base: baseState(base)})
	var packages []builder.Package
	for _, name := range graph.Packages {
		def, err := outputs[name].Root.Marshal(ctx)
		if err != nil {
			return nil, fmt.Errorf("internal error: marshalling %s: %w", name, err)
		}
		packages = append(packages, builder.Package{Name: name, Definition: def, Fallback: graph.Recipe(name).Fallback, Stages: len(graph.BuildClosure(name))})
	}
	return packages, nil
}

func baseState(base v1.Hash) llb.State {
	return llb.OCILayout("rootbuild/base@"+base.String(), llb.OCIStore("", baseStore), llb.WithCustomName("base "+base.Hex[:12]))
}
