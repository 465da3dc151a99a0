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

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/stages"
)

// parallelTakes is how many packages are asked for at once.
const parallelTakes = 8

// supply takes the packages of a graph from elsewhere, each once.
type supply struct {
	build
	offers  plan.Offers
	built   stages.Graph              // the part of it that is not taken
	asOne   map[string]stages.Outputs // as if all were built here; none without a base
	outputs map[string]stages.Outputs // as the stages are built; none without a base
	witness *provenance.Witness

	mu     sync.Mutex
	known  map[string]records.Taken
	taking sync.Mutex
}

func newSupply(b build) *supply {
	s := &supply{build: b, offers: plan.NewOffers(b.graph, b.options.Packages), built: b.graph, witness: provenance.NewWitness(), known: map[string]records.Taken{}}
	s.offers.Layer = s.layer
	return s
}

// key is that of a stage.
func (s *supply) key(name string) string { return s.offers.Key(name) }

// told is the run as provenance tells it.
func (s *supply) told() provenance.Run {
	return provenance.Run{
		Stages: s.records(nil), Built: s.outputs, Taken: s.known,
		Version: s.options.Version, BuilderID: s.options.BuilderID, Witness: s.witness,
	}
}

// layer tells the layer of an output that is taken, or that was made here.
func (s *supply) layer(ctx context.Context, n definition.Need) (packages.Layer, bool, error) {
	t, err := s.take(ctx, n.Stage)
	if t.Found || err != nil {
		return t.Package.Layers[n.Output], err == nil && t.Package.Layers != nil, err
	}
	if s.asOne == nil {
		return packages.Layer{}, false, nil
	}
	l, kept, err := records.Layer(ctx, s.state, s.layout, s.asOne[n.Stage], n.Output)
	return packages.LayerOf(n.Output, l), kept, err
}

// take returns the package of a stage, if one is found and trusted.
func (s *supply) take(ctx context.Context, name string) (records.Taken, error) {
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
func (s *supply) find(ctx context.Context, name string) (records.Taken, error) {
	var t records.Taken
	found, err := s.state.Kept(state.KindTaken, s.key(name), &t)
	if err != nil || found && s.layout.Has(t.Layer.Digest) {
		t.Found = err == nil
		return t, err
	}
	refused := false
	for offer, err := range s.offers.Of(ctx, name) {
		if err != nil {
			return records.Taken{}, err
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
	return records.Taken{}, nil
}

func (s *supply) from(ctx context.Context, o plan.Offer, name string) (records.Taken, error) {
	s.taking.Lock()
	defer s.taking.Unlock()
	started := time.Now().UTC()
	p, layer, err := o.Place.Take(ctx, s.layout, name, o.Tag, s.graph.Target.Epoch)
	if err != nil {
		return records.Taken{}, err
	}
	t := records.Taken{Package: p, Layer: layer, Found: true, Started: started, Completed: time.Now().UTC(), Run: s.state.Opened()}
	return t, s.state.Keep(state.KindTaken, s.key(name), t)
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
func (s *supply) inputs(ctx context.Context, p records.Stages, building []string) (map[string]stages.Outputs, []string, error) {
	inputs := map[string]stages.Outputs{}
	seen := map[string]bool{}
	for i := 0; i < len(building); i++ {
		done, err := p.Look(ctx, building[i])
		if err != nil {
			return nil, nil, err
		}
		if done.Sorted {
			continue
		}
		for _, need := range definition.Needs(s.graph, building[i]) {
			if seen[need.Stage+string(need.Output)] {
				continue
			}
			seen[need.Stage+string(need.Output)] = true
			made, err := p.Look(ctx, need.Stage)
			if err != nil {
				return nil, nil, err
			}
			if made.Sorted {
				continue
			}
			t, err := s.take(ctx, need.Stage)
			if err != nil {
				return nil, nil, err
			}
			if !t.Found {
				if !slices.Contains(building, need.Stage) {
					building = append(building, need.Stage)
				}
				continue
			}
			out := inputs[need.Stage]
			if err := s.bring(ctx, t.Package, need.Output, &out); s.builtInstead(err) {
				s.known[need.Stage] = records.Taken{}
				delete(inputs, need.Stage)
				building = append(building, need.Stage)
				continue
			} else if err != nil {
				return nil, nil, err
			}
			inputs[need.Stage] = out
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
		state = llb.OCILayout("rootbuild/package@"+image.String(), llb.OCIStore("", definition.BaseStore),
			llb.WithCustomName(fmt.Sprintf("%s of %s %s from %s", o, p.Name, p.Version, p.From)))
	}
	*definition.Output(out, o) = state
	return nil
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
