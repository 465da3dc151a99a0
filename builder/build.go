// Package builder makes images of graphs: it gets the base and the sources, takes the
// packages that others built, has the rest built on one builder or several, and puts the
// image together. It publishes packages, and builds an image again to compare. It knows
// no BuildKit: see builder/engine.
package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/attach"
	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Options say how an image is built. The zero value builds in the default base, with
// the runc that is found, from the origins that the recipes name.
type Options struct {
	// Base is the image to build in, as base.Resolve reads it. The default is the
	// one that is bootstrapped.
	Base string
	// Steps is how many steps run at once; 0 means as many as there are cores.
	Steps int
	// KeepGoing builds all it can when a package failed, and tells every failure.
	KeepGoing bool
	// Sources say where sources may come from.
	Sources sources.From
	// Packages are the places where packages are taken from, in their order.
	Packages []packages.Place
	// Publish, if set, is where the packages that are built here go.
	Publish *Publish
	// Version is that of the program that builds. It is kept beside the image.
	Version string
	// BuilderID is the URI by which provenance names who builds. The default is
	// provenance.DefaultBuilderID.
	BuilderID string
	// Display shows the progress; nil shows none.
	Display *engine.Display
}

// maker names the program that builds, and the compiler that made it.
func (o Options) maker() string { return o.Version + " " + runtime.Version() }

// Build makes the image of a graph in the state's layout and returns the digest of
// its manifest. What earlier builds made is used again. If all of it was, no engine
// is started.
func Build(ctx context.Context, in *state.State, graph stages.Graph, o Options) (v1.Hash, error) {
	b, err := newBuild(in, graph, o)
	if err != nil {
		return v1.Hash{}, err
	}
	return b.run(ctx)
}

// build is one run from a graph to an image.
type build struct {
	graph   stages.Graph
	state   *state.State
	layout  *oci.Layout
	options Options
}

func newBuild(in *state.State, graph stages.Graph, o Options) (build, error) {
	layout, err := oci.OpenLayout(in.Images())
	return build{graph: graph, state: in, layout: layout, options: o}, err
}

func (b build) run(ctx context.Context) (v1.Hash, error) {
	made, err := b.begin()
	if err != nil {
		return v1.Hash{}, err
	}
	s := newSupply(b)
	layers, base, err := s.layers(ctx)
	if err != nil {
		return v1.Hash{}, err
	}
	digest, err := b.write(ctx, layers)
	if err != nil {
		return v1.Hash{}, err
	}
	return digest, errors.Join(b.attachBlueprint(ctx, digest, base), attach.SBOM(b.layout, b.graph, digest), s.told().Attach(ctx, digest, base),
		b.noteBuilt(digest), b.end(made, digest, base))
}

func (b build) attachBlueprint(ctx context.Context, image, base v1.Hash) error {
	made := stages.Made{Rootbuild: b.options.maker(), Base: base.String(), Programs: b.graph.Programs()}
	return attach.Blueprint(ctx, b.layout, b.graph, image, made)
}

// records are those of the stages of the graph, with their outputs if there is a base.
func (b build) records(outputs map[string]stages.Outputs) records.Stages {
	return records.Stages{Graph: b.graph, State: b.state, Layout: b.layout, Outputs: outputs}
}

// noteBuilt has the time of a manifest's file tell when its image was built last: prune
// goes by it.
func (b build) noteBuilt(digest v1.Hash) error {
	now := time.Now()
	if err := os.Chtimes(b.layout.BlobPath(digest), now, now); err != nil {
		return fmt.Errorf("noting that the image was built: %w", err)
	}
	return nil
}

// start fetches the sources that builds of a graph will read, and starts BuildKit.
func (b build) start(ctx context.Context, graph stages.Graph, packages []pack.Package) (pack.Engine, error) {
	if len(b.state.Several()) > 0 {
		return nil, errors.New("internal error: several builders left something to build")
	}
	o := b.engine(b.state, packages)
	if err := engine.Check(ctx, o); err != nil {
		return nil, err
	}
	if err := sources.Fetch(ctx, b.state, graph, b.options.Sources, b.options.Display); err != nil {
		return nil, err
	}
	return engine.Start(ctx, o)
}

// engine is BuildKit with its cache in one state, on the sources and the bases of
// another, which is the same but for what is built again.
func (b build) engine(from *state.State, packages []pack.Package) engine.Options {
	note := func(text string) {
		task := b.options.Display.Task("limits of steps")
		fmt.Fprintln(task, text)
		task.Done(nil)
	}
	o := engine.Options{
		Note:    note,
		Builder: b.state.Builder(), Dir: b.state.BuildKit(), Steps: b.options.Steps, KeepGoing: b.options.KeepGoing,
		Fresh:   b.state != from && b.state.Builder().Remote(),
		Layouts: map[string]string{definition.SourceStore: from.Distfiles(), definition.BaseStore: from.Images()},
	}
	for _, p := range packages {
		o.Definitions = append(o.Definitions, cmp.Or(p.Build, p.Definition))
	}
	return o
}

// definitions marshals the root output of each of the graph's contents.
func definitions(ctx context.Context, graph stages.Graph, outputs map[string]stages.Outputs) ([]pack.Package, error) {
	var packages []pack.Package
	for _, name := range graph.Contents() {
		def, err := definition.Of(ctx, name, outputs[name].Root)
		if err != nil {
			return nil, err
		}
		p := newPackage(graph, name)
		p.Definition, p.Stages = def, len(graph.BuildClosure(name))
		packages = append(packages, p)
	}
	return packages, nil
}

// newPackage is one of the contents of a graph.
func newPackage(graph stages.Graph, name string) pack.Package {
	return pack.Package{Name: name, Fallback: graph.Recipe(name).Fallback, Early: !slices.Contains(graph.Packages, name)}
}
