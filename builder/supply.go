package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"
	"golang.org/x/sync/errgroup"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// parallelTakes is how many packages are asked for at once.
const parallelTakes = 8

// taken is a package that was built elsewhere, with the layer of its root. It is kept as
// a record, by key.
type taken struct {
	Package packages.Package
	Layer   oci.Layer
	Found   bool `json:"-"`
	// When its layer was brought, and in which run, as Step has it. An older rootbuild
	// did not note them.
	Started, Completed time.Time `json:",omitzero"`
	Run                time.Time `json:",omitzero"`
}

const kindTaken = "taken"

// supply takes the packages of a graph from elsewhere, each once.
type supply struct {
	build
	offers  offers
	built   stages.Graph              // the part of it that is not taken
	asOne   map[string]stages.Outputs // as if all were built here; none without a base
	outputs map[string]stages.Outputs // as the stages are built; none without a base
	witness *witness

	mu     sync.Mutex
	known  map[string]taken
	taking sync.Mutex
}

func newSupply(b build) *supply {
	s := &supply{build: b, offers: b.offers(), built: b.graph, witness: newWitness(), known: map[string]taken{}}
	s.offers.layer = s.layer
	return s
}

// key is that of a stage.
func (s *supply) key(name string) string { return s.offers.keys()[name] }

// layer tells the layer of an output that is taken, or that was made here.
func (s *supply) layer(ctx context.Context, n need) (packages.Layer, bool, error) {
	t, err := s.take(ctx, n.stage)
	if t.Found || err != nil {
		return t.Package.Layers[n.output], err == nil && t.Package.Layers != nil, err
	}
	if s.asOne == nil {
		return packages.Layer{}, false, nil
	}
	l, kept, err := s.state.kept(ctx, s.layout, s.asOne[n.stage], n.output)
	return packedLayer(n.output, l), kept, err
}

// take returns the package of a stage, if one is found and trusted.
func (s *supply) take(ctx context.Context, name string) (taken, error) {
	s.mu.Lock()
	t, known := s.known[name]
	s.mu.Unlock()
	if known || len(s.options.Packages) == 0 {
		return t, nil
	}
	t, err := s.find(ctx, name)
	if err != nil {
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[name] = t
	return t, nil
}

// takeAll takes several, and returns those that nobody has.
func (s *supply) takeAll(ctx context.Context, names []string) (missing []string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTakes)
	for _, name := range names {
		group.Go(func() error {
			_, err := s.take(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, name := range names {
		if !s.known[name].Found {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

// find looks into the records, then asks each place in turn.
func (s *supply) find(ctx context.Context, name string) (taken, error) {
	var t taken
	found, err := s.state.Kept(kindTaken, s.key(name), &t)
	if err != nil || found && s.layout.Has(t.Layer.Digest) {
		t.Found = err == nil
		return t, err
	}
	refused := false
	for offer, err := range s.offers.of(ctx, name) {
		if err != nil {
			return taken{}, err
		}
		t, err := s.from(ctx, offer, name)
		if !s.passedOver(err) {
			return t, err
		}
		s.note("%v", err)
		refused = true
	}
	if refused {
		s.note("package %s: nobody else has it, so it is built", name)
	}
	return taken{}, nil
}

func (s *supply) from(ctx context.Context, o offer, name string) (taken, error) {
	s.taking.Lock()
	defer s.taking.Unlock()
	started := time.Now().UTC()
	p, layer, err := o.place.Take(ctx, s.layout, name, o.tag, s.graph.Target.Epoch)
	if err != nil {
		return taken{}, err
	}
	t := taken{Package: p, Layer: layer, Found: true, Started: started, Completed: time.Now().UTC(), Run: s.state.opened}
	return t, s.state.Keep(kindTaken, s.key(name), t)
}

// passedOver says whether err is of a package that is refused, and the policy does not have
// the build fail for it.
func (s *supply) passedOver(err error) bool {
	var refused *packages.RefusedError
	// All places have one policy.
	return errors.As(err, &refused) && !s.options.Packages[0].Policy.FailRefused
}

// builtInstead tells that a package is built because an output of it is refused, if that
// is what err says.
func (s *supply) builtInstead(err error) bool {
	if !s.passedOver(err) {
		return false
	}
	s.note("%v; it is built instead", err)
	return true
}

// note tells something beside the steps of a build.
func (s *supply) note(format string, args ...any) {
	task := s.options.Display.Task("packages")
	fmt.Fprintf(task, format+"\n", args...)
	task.Done(nil)
}

// inputs are the outputs that stages are built with and that come from elsewhere: where
// BuildKit has none of its own. What nobody has is built too, with its own inputs: all
// that is built is returned.
func (s *supply) inputs(ctx context.Context, p planner, building []string) (map[string]stages.Outputs, []string, error) {
	inputs := map[string]stages.Outputs{}
	seen := map[string]bool{}
	for i := 0; i < len(building); i++ {
		done, err := p.look(ctx, building[i])
		if err != nil {
			return nil, nil, err
		}
		if done.sorted {
			continue
		}
		for _, need := range needs(s.graph, building[i]) {
			if seen[need.stage+string(need.output)] {
				continue
			}
			seen[need.stage+string(need.output)] = true
			made, err := p.look(ctx, need.stage)
			if err != nil {
				return nil, nil, err
			}
			if made.sorted {
				continue
			}
			t, err := s.take(ctx, need.stage)
			if err != nil {
				return nil, nil, err
			}
			if !t.Found {
				if !slices.Contains(building, need.stage) {
					building = append(building, need.stage)
				}
				continue
			}
			out := inputs[need.stage]
			if err := s.bring(ctx, t.Package, need.output, &out); s.builtInstead(err) {
				s.known[need.stage] = taken{}
				delete(inputs, need.stage)
				building = append(building, need.stage)
				continue
			} else if err != nil {
				return nil, nil, err
			}
			inputs[need.stage] = out
		}
	}
	return inputs, building, nil
}

// bring has an output of a package in the layout, and makes it a state to build with.
func (s *supply) bring(ctx context.Context, p packages.Package, o packages.Output, out *stages.Outputs) error {
	state := llb.Scratch()
	if image, ok := p.Images[o]; ok {
		if _, err := s.layout.Image(image); err != nil {
			if err := s.fetch(ctx, p, o); err != nil {
				return err
			}
		}
		state = llb.OCILayout("rootbuild/package@"+image.String(), llb.OCIStore("", baseStore),
			llb.WithCustomName(fmt.Sprintf("%s of %s %s from %s", o, p.Name, p.Version, p.From)))
	}
	*output(out, o) = state
	return nil
}

// output is one of those of a stage.
func output(of *stages.Outputs, o packages.Output) *llb.State {
	switch o {
	case packages.Root:
		return &of.Root
	case packages.Dev:
		return &of.Dev
	}
	return &of.Tools
}

// fetch brings an output from wherever it is.
func (s *supply) fetch(ctx context.Context, p packages.Package, o packages.Output) error {
	var errs []error
	for _, place := range s.options.Packages {
		err := place.Bring(ctx, s.layout, p, o)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
