package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// reproduction builds in work an image that is in layout, with the sources and
// the base of state.
type reproduction struct {
	options reproduceOptions
	state   *builder.State
	layout  *oci.Layout
	work    *builder.State
}

// run builds the image again and compares.
func (r reproduction) run(ctx context.Context, of subject, s streams) (_ reproduced, err error) {
	display, err := r.options.build.state.display(s)
	if err != nil {
		return reproduced{}, err
	}
	defer closing(display, &err)
	to, err := oci.OpenLayout(r.work.Images())
	if err != nil {
		return reproduced{}, err
	}
	// Where it looks for the base, and makes one if there is none.
	here := build{graph: of.graph, state: r.state, layout: r.layout, display: display, options: r.options.build}
	base, err := r.base(ctx, here, of.made)
	if err != nil {
		return reproduced{}, err
	}
	again := build{graph: of.graph, state: r.work, layout: to, display: display, options: r.options.build}
	digest, err := r.build(ctx, here, again, base)
	if err != nil {
		return reproduced{}, err
	}
	found, err := r.compared(of.digest, digest, to)
	if err != nil {
		return reproduced{}, fmt.Errorf("comparing: %w", err)
	}
	return reproduced{
		Image: of.name, Again: digest.String(), Identical: len(found) == 0,
		Base: base.String(), Packages: r.options.packages,
		Notes: r.notes(of, base), Differences: found,
	}, nil
}

// base is the one that the image names, if it is there and the user names no
// other one.
func (r reproduction) base(ctx context.Context, here build, made stages.Made) (v1.Hash, error) {
	if h, err := v1.NewHash(made.Base); err == nil && r.options.build.base == "" {
		if _, err := r.layout.Image(h); err == nil {
			return h, nil
		}
	}
	return here.base(ctx)
}

// build makes all layers, or those of some packages, and the image of them.
func (r reproduction) build(ctx context.Context, here, again build, base v1.Hash) (v1.Hash, error) {
	packages, err := definitions(ctx, again.graph, base)
	if err != nil {
		return v1.Hash{}, err
	}
	if packages, err = r.chosen(packages); err != nil {
		return v1.Hash{}, err
	}
	start := func() (builder.Engine, error) { return r.start(ctx, here) }
	layers, err := r.work.Layers(ctx, again.layout, packages, again.graph.Target.Epoch, start, again.display)
	if err != nil {
		return v1.Hash{}, err
	}
	if len(r.options.packages) > 0 {
		return again.some(packages, layers)
	}
	own, err := again.ownLayer(ctx, layers)
	if err != nil {
		return v1.Hash{}, err
	}
	return again.image(layers, own)
}

// chosen are the packages to build.
func (r reproduction) chosen(packages []builder.Package) ([]builder.Package, error) {
	var list []builder.Package
	var names []string
	for _, p := range packages {
		names = append(names, p.Name)
		if len(r.options.packages) == 0 || slices.Contains(r.options.packages, p.Name) {
			list = append(list, p)
		}
	}
	for _, name := range r.options.packages {
		if !slices.Contains(names, name) {
			return nil, usageError{fmt.Errorf("the image has no package %q%s", name, images.DidYouMean(name, names))}
		}
	}
	return list, nil
}

// some writes an image of some packages, to compare them by.
func (b build) some(packages []builder.Package, layers []oci.Layer) (v1.Hash, error) {
	os, arch, _ := strings.Cut(b.graph.Target.Platforms[0], "/")
	o := oci.ImageOptions{Platform: v1.Platform{OS: os, Architecture: arch}, Epoch: b.graph.Target.Epoch}
	for i, p := range packages {
		o.Layers = append(o.Layers, layers[i].Ref("package "+p.Name+" "+b.graph.Recipe(p.Name).Version))
	}
	return b.layout.WriteImage(o)
}

// start starts BuildKit with an empty cache, on checked sources.
func (r reproduction) start(ctx context.Context, here build) (builder.Engine, error) {
	runc, err := engine.FindRunc(ctx, r.options.build.runc)
	if err != nil {
		return nil, err
	}
	if err := engine.CheckHost(r.work.BuildKit()); err != nil {
		return nil, err
	}
	from := r.options.build.fetch
	from.registry = r.options.registry
	if err := fetch(ctx, r.state, here.graph, from, here.display); err != nil {
		return nil, err
	}
	store, err := distfiles.Open(r.state.Distfiles())
	if err == nil {
		err = store.Check(sources(here.graph))
	}
	if err != nil {
		return nil, err
	}
	return engine.Embedded(ctx, engine.Options{
		Dir: r.work.BuildKit(), Runc: runc, Steps: r.options.build.steps, KeepGoing: r.options.build.keepGoing,
		Layouts: map[string]string{sourceStore: r.state.Distfiles(), baseStore: r.state.Images()},
	})
}
