package builder

import (
	"context"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// dispatcher has the stages of a graph built on several builders, each stage on one of
// them: what it is built with goes there from here, and what it gives comes back. One
// goroutine decides, and one for each stage waits for its builder.
type dispatcher struct {
	*supply
	base    v1.Hash
	here    map[definition.Need]input // what stages are built with
	pool    *pool
	results chan result
	running int
	failed  []error
}

// result is what became of a stage on a builder.
type result struct {
	placed
	on  *member
	err error
}

// dispatch has what is missing built, and what it takes. Afterwards each layer is
// recorded as if one builder had built all.
func (s *supply) dispatch(ctx context.Context, base v1.Hash, outputs map[string]stages.Outputs, list []pack.Package, missing []string) error {
	p := s.records(outputs)
	if s.options.Publish != nil {
		more, err := s.own(ctx, p)
		if err != nil {
			return err
		}
		missing = append(missing, more...)
	}
	d := &dispatcher{supply: s, base: base, here: map[definition.Need]input{}, results: make(chan result)}
	s.offers.Layer = d.layer
	building, err := d.gather(ctx, missing)
	if err != nil || len(building) == 0 {
		return err
	}
	seconds, err := p.Seconds()
	if err != nil {
		return err
	}
	s.built.Stages = slices.DeleteFunc(slices.Clone(s.graph.Stages), func(r stages.Recipe) bool { return !slices.Contains(building, r.Name) })
	d.pool = &pool{build: s.build, graph: s.built, list: list, witness: s.witness}
	err = errors.Join(d.run(ctx, plan.QueueOf(s.graph, building, seconds)), d.pool.close())
	if err != nil {
		// What was done is done.
		err = errors.Join(err, s.records(nil).Remember(context.WithoutCancel(ctx), base))
	}
	return err
}

// gather brings the outputs that stages are built with and that need not be built. What
// neither lies here nor comes from elsewhere is built too: all that is built is returned.
func (d *dispatcher) gather(ctx context.Context, missing []string) ([]string, error) {
	var building []string
	add := func(name string) {
		if !slices.Contains(building, name) {
			building = append(building, name)
		}
	}
	for _, name := range missing {
		add(name)
	}
	for i := 0; i < len(building); i++ {
		for _, n := range definition.Needs(d.graph, building[i]) {
			if _, known := d.here[n]; known || slices.Contains(building, n.Stage) {
				continue
			}
			found, err := d.find(ctx, n)
			if err != nil {
				return nil, err
			}
			if !found {
				add(n.Stage)
			}
		}
	}
	return building, nil
}

// find makes an output an input, if it lies here or if it can be taken from elsewhere.
func (d *dispatcher) find(ctx context.Context, n definition.Need) (bool, error) {
	l, found, err := records.Layer(ctx, d.state, d.layout, d.asOne[n.Stage], n.Output)
	if err != nil {
		return false, err
	}
	if found {
		d.here[n], err = d.inputOf(ctx, n, l)
		return err == nil, err
	}
	t, err := d.take(ctx, n.Stage)
	if err != nil || !t.Found {
		return false, err
	}
	image, ok := t.Package.Images[n.Output]
	if !ok {
		d.here[n], err = d.inputOf(ctx, n, oci.Layer{})
		return err == nil, err
	}
	var out stages.Outputs
	if err := d.bring(ctx, t.Package, n.Output, &out); d.builtInstead(err) {
		d.known[n.Stage] = records.Taken{}
		return false, nil
	} else if err != nil {
		return false, err
	}
	d.here[n], err = d.imageInput(ctx, n, image)
	return err == nil, err
}

// layer tells the layer of an output that is here, or that can be taken.
func (d *dispatcher) layer(ctx context.Context, n definition.Need) (packages.Layer, bool, error) {
	if in, ok := d.here[n]; ok {
		return in.layer, true, nil
	}
	return d.supply.layer(ctx, n)
}

// takeNow takes a stage from elsewhere by the content of what it is built with, which is
// all here by now, and says whether somebody has it.
func (d *dispatcher) takeNow(ctx context.Context, name string) (bool, error) {
	if len(d.options.Packages) == 0 {
		return false, nil
	}
	delete(d.known, name)
	t, err := d.take(ctx, name)
	if !t.Found || err != nil {
		return false, err
	}
	for _, o := range packages.Outputs {
		if found, err := d.find(ctx, definition.Need{Stage: name, Output: o}); !found || err != nil {
			return false, err
		}
	}
	out := d.asOne[name]
	def, err := definition.Of(ctx, name, out.Root)
	if err != nil {
		return false, err
	}
	return true, d.state.KeepLayer(definition.Key(def), t.Layer)
}

// run gives out the stages of a queue until all are done, or none can be done any more.
func (d *dispatcher) run(ctx context.Context, q *plan.Queue) error {
	within, stop := context.WithCancel(ctx)
	defer stop()
	for {
		if err := d.fill(within, q); err != nil {
			d.failed = append(d.failed, err)
			stop()
		}
		if d.running == 0 {
			return errors.Join(append(unique(d.failed), ctx.Err())...)
		}
		r := <-d.results
		d.running--
		r.on.running--
		d.end(within, q, r)
		if len(d.failed) > 0 && !d.options.KeepGoing {
			stop()
		}
	}
}

// fill gives stages to builders until no stage may begin or no builder takes one.
func (d *dispatcher) fill(ctx context.Context, q *plan.Queue) error {
	for ctx.Err() == nil {
		name, ok := q.Take()
		if !ok {
			return nil
		}
		stage, err := d.place(ctx, name)
		if err != nil {
			return err
		}
		// Made before of inputs with the same content, whatever their definitions.
		found := stage.layers != nil
		if found {
			err = d.accept(ctx, stage)
		} else {
			found, err = d.takeNow(ctx, name)
		}
		if err != nil {
			return err
		}
		if found {
			q.Done(name)
			continue
		}
		on, err := d.pool.pick(ctx, stage, d.here)
		if err != nil {
			return err
		}
		if on == nil {
			q.Put(name)
			return nil
		}
		d.running++
		on.running++
		go func() {
			err := d.runOn(ctx, on, &stage)
			d.results <- result{stage, on, err}
		}()
	}
	return nil
}

// end draws the conclusions of what became of a stage. One whose builder was lost goes to
// another; one that failed for a reason of its own would fail there too.
func (d *dispatcher) end(ctx context.Context, q *plan.Queue, r result) {
	var lost *engine.LostError
	switch {
	case r.err == nil:
		if err := d.accept(ctx, r.placed); err != nil {
			d.failed = append(d.failed, err)
			return
		}
		q.Done(r.name)
	case ctx.Err() != nil:
		// It was stopped, for the reason that is told already.
	case errors.As(r.err, &lost):
		d.pool.lose(r.on, r.name, lost)
		q.Put(r.name)
	default:
		d.failed = append(d.failed, r.err)
	}
}

// accept makes what a stage gave inputs of others.
func (d *dispatcher) accept(ctx context.Context, stage placed) error {
	for o, l := range stage.layers {
		n := definition.Need{Stage: stage.name, Output: o}
		in, err := d.inputOf(ctx, n, l)
		if err != nil {
			return err
		}
		d.here[n] = in
	}
	return nil
}

// unique drops what was told before.
func unique(errs []error) []error {
	told := map[string]bool{}
	return slices.DeleteFunc(errs, func(err error) bool {
		again := told[err.Error()]
		told[err.Error()] = true
		return again
	})
}
