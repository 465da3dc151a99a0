package builder

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/attach"
	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/stages"
)

// ReproduceOptions say how an image is built again.
type ReproduceOptions struct {
	Options
	// Work is an empty directory to build in, which is kept. The default is one in
	// the state directory, which is removed.
	Work string
	// Packages are those to build and compare. The default is the whole image.
	Packages []string
}

// Reproduction builds images of a state again, in a state directory of its own with
// an empty cache. Close it.
type Reproduction struct {
	options ReproduceOptions
	state   *state.State // with the image, the sources and the base
	layout  *oci.Layout
	work    *state.State
}

// Subject is an image to build again, and what of.
type Subject struct {
	Name   string // TARGET@DIGEST
	Digest v1.Hash
	Graph  stages.Graph

	foreign bool // the graph is the image's own word

	Made stages.Made // what the image says of its making; zero where it was not asked
}

// Reproduce prepares to build images again: it takes the directory to build in.
func Reproduce(ctx context.Context, in *state.State, o ReproduceOptions) (*Reproduction, error) {
	layout, err := oci.OpenLayout(in.Images())
	if err != nil {
		return nil, err
	}
	work, err := state.OpenScratch(ctx, o.workDir(in), "rootbuild reproduce", in.Builder(), o.Work == "")
	if err != nil {
		return nil, err
	}
	return &Reproduction{options: o, state: in, layout: layout, work: work}, nil
}

func (o ReproduceOptions) workDir(s *state.State) string {
	if o.Work != "" {
		return o.Work
	}
	return filepath.Join(s.Dir(), "reproduce")
}

// Close gives the directory up. After an interrupt too: nothing of it is of use to
// the next run.
func (r *Reproduction) Close() error {
	if r.options.Work != "" {
		return r.work.Close()
	}
	return r.work.Remove(context.Background())
}

// OfTarget is the image digest of the state, to be built as its target stands now.
func (r *Reproduction) OfTarget(graph stages.Graph, digest v1.Hash) (Subject, error) {
	_, err := r.layout.Image(digest)
	return Subject{Name: graph.Target.Name + "@" + digest.String(), Digest: digest, Graph: graph}, err
}

// OfImage is the image digest of the state, to be built of what it carries.
func (r *Reproduction) OfImage(digest v1.Hash) (Subject, error) {
	if _, err := r.layout.Image(digest); err != nil {
		return Subject{}, err
	}
	graph, made, err := attach.ReadBlueprint(r.layout, digest, filepath.Join(r.work.Dir(), "blueprint"))
	if errors.Is(err, attach.ErrNoBlueprint) {
		err = fmt.Errorf("%w; --target TARGET builds from a target of yours", err)
	}
	return Subject{Name: graph.Target.Name + "@" + digest.String(), Digest: digest, Graph: graph, foreign: true, Made: made}, err
}

// PackageError is of a package that is to be built again, and that the image has not.
type PackageError struct {
	Name  string
	Known []string // packages of the image
}

func (e *PackageError) Error() string {
	return fmt.Sprintf("the image has no package %q%s", e.Name, images.DidYouMean(e.Name, e.Known))
}

func (r *Reproduction) checkPackages(graph stages.Graph) error {
	for _, name := range r.options.Packages {
		if !slices.Contains(graph.Contents(), name) {
			return &PackageError{name, graph.Contents()}
		}
	}
	return nil
}

// Run builds the image again and compares. The progress goes to display, which may
// be nil.
func (r *Reproduction) Run(ctx context.Context, of Subject, display *engine.Display) (Reproduced, error) {
	if err := r.checkPackages(of.Graph); err != nil {
		return Reproduced{}, err
	}
	r.options.Display = display
	// Where it looks for the base, and makes one if there is none.
	here, err := newBuild(r.state, of.Graph, r.options.Options)
	if err != nil {
		return Reproduced{}, err
	}
	again, err := newBuild(r.work, of.Graph, r.options.Options)
	if err != nil {
		return Reproduced{}, err
	}
	base, err := r.base(ctx, here, of.Made)
	if err != nil {
		return Reproduced{}, err
	}
	digest, err := r.build(ctx, again, base, of.foreign)
	if err != nil {
		return Reproduced{}, err
	}
	found, err := r.compare(of.Digest, digest, again.layout)
	if err != nil {
		return Reproduced{}, fmt.Errorf("comparing: %w", err)
	}
	return Reproduced{
		Image: of.Name, Again: digest.String(), Identical: len(found) == 0,
		Base: base.String(), Packages: r.options.Packages,
		Notes: r.notes(of, base), Differences: found,
	}, nil
}

// base is the one that the image names, if it is there and the user names no
// other one.
func (r *Reproduction) base(ctx context.Context, here build, made stages.Made) (v1.Hash, error) {
	if h, err := v1.NewHash(made.Base); err == nil && r.options.Base == "" {
		if _, err := r.layout.Image(h); err == nil {
			return h, nil
		}
	}
	return here.base(ctx)
}

// build makes all layers, or those of some packages, and the image of them.
func (r *Reproduction) build(ctx context.Context, again build, base v1.Hash, foreign bool) (v1.Hash, error) {
	packages, err := definitions(ctx, again.graph, again.graph.LLB(definition.Inputs(base)))
	if err != nil {
		return v1.Hash{}, err
	}
	some := len(r.options.Packages) > 0
	if some {
		packages = slices.DeleteFunc(packages, func(p pack.Package) bool { return !slices.Contains(r.options.Packages, p.Name) })
	}
	start := func() (pack.Engine, error) { return r.start(ctx, again, packages, foreign) }
	layers, err := pack.Layers(ctx, r.work, again.layout, packages, again.graph.Target.Epoch, start, r.options.Display)
	if err != nil {
		return v1.Hash{}, err
	}
	if some {
		return again.some(packages, layers)
	}
	parts, err := again.parts(ctx, layers)
	if err != nil {
		return v1.Hash{}, err
	}
	return again.image(parts)
}

// start starts BuildKit with an empty cache, or has it ignore the one that it has, on
// checked sources.
func (r *Reproduction) start(ctx context.Context, again build, packages []pack.Package, foreign bool) (pack.Engine, error) {
	o := again.engine(r.state, packages)
	if err := engine.Check(ctx, o); err != nil {
		return nil, err
	}
	fetch := sources.Fetch
	if foreign {
		fetch = sources.FetchForeign
	}
	if err := fetch(ctx, r.state, again.graph, r.options.Sources, r.options.Display); err != nil {
		return nil, err
	}
	store, err := distfiles.Open(r.state.Distfiles())
	if err != nil {
		return nil, err
	}
	if err := store.Check(sources.Of(again.graph)); err != nil {
		return nil, err
	}
	return engine.Start(ctx, o)
}

// Vouch keeps beside an image of the state that was built again to the same digest
// the statement that it was, signed with key, for a repository or for none. Its
// serial is the image's epoch: a rebuild of an older image must not make that image
// look newer.
func (r *Reproduction) Vouch(of Subject, report Reproduced, key *trust.PrivateKey, repository string) error {
	if !report.Identical {
		return errors.New("internal error: an image that differs is not vouched for")
	}
	statement, err := trust.SignStatement(key, trust.Statement{
		Image: of.Digest, Repository: repository, PredicateType: trust.RebuiltPredicate,
		Predicate: map[string]any{"rootbuild": r.options.Version, "base": report.Base},
		Serial:    uint64(of.Graph.Target.Epoch.Unix()),
	})
	if err != nil {
		return err
	}
	_, err = r.layout.Attach(of.Digest, statement)
	return err
}
