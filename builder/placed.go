package builder

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// placed is a stage of which all that it is built with is here.
type placed struct {
	name   string
	out    stages.Outputs // with that as images
	needs  []definition.Need
	layers map[packages.Output]oci.Layer // what it gave; nil: it has to be built
}

// place readies a stage. If it was built before with inputs of the same content, what
// it gave then is what it gives now: that is recorded, and nothing is built.
func (d *dispatcher) place(ctx context.Context, name string) (placed, error) {
	in := definition.Inputs(d.base)
	in.Taken = map[string]stages.Outputs{}
	for _, r := range d.graph.Stages {
		if r.Name != name {
			in.Taken[r.Name] = stages.Outputs{}
		}
	}
	stage := placed{name: name, needs: definition.Needs(d.graph, name)}
	for _, n := range stage.needs {
		out := in.Taken[n.Stage]
		*definition.Output(&out, n.Output) = d.here[n].state
		in.Taken[n.Stage] = out
	}
	stage.out = d.graph.LLB(in)[name]
	layers := map[packages.Output]oci.Layer{}
	for _, o := range packages.Outputs {
		l, found, err := records.Layer(ctx, d.state, d.layout, stage.out, o)
		if err != nil || !found {
			return stage, err
		}
		layers[o] = l
	}
	stage.layers = layers
	return stage, d.keep(ctx, d.asOne[name], layers)
}

// keep records the layers of a stage under the definitions of its outputs.
func (d *dispatcher) keep(ctx context.Context, out stages.Outputs, layers map[packages.Output]oci.Layer) error {
	var errs []error
	for o, l := range layers {
		def, err := definition.Of(ctx, string(o), *definition.Output(&out, o))
		if err == nil {
			err = d.state.KeepLayer(definition.Key(def), l)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// runOn builds a stage on a builder, and records what it gave.
func (d *dispatcher) runOn(ctx context.Context, on *member, stage *placed) error {
	layers := map[packages.Output]oci.Layer{}
	var mu sync.Mutex
	var jobs []engine.Job
	for _, o := range packages.Outputs {
		n := definition.Need{Stage: stage.name, Output: o}
		def, err := definition.Of(ctx, n.String(), *definition.Output(&stage.out, o))
		if err != nil {
			return err
		}
		jobs = append(jobs, engine.Job{Name: n.String(), Definition: def, Write: func(ctx context.Context, tree io.Reader) error {
			l, err := d.layout.WriteLayer(ctx, tree, oci.LayerOptions{Epoch: d.graph.Target.Epoch})
			mu.Lock()
			defer mu.Unlock()
			layers[o] = l
			return err
		}})
	}
	record, err := d.recorder(ctx, on, *stage)
	if err != nil {
		return err
	}
	if err := on.engine.Build(ctx, jobs, engine.Watch{Display: d.options.Display, Step: record, On: on.builder.String()}); err != nil {
		return err
	}
	stage.layers = layers
	return errors.Join(d.keep(ctx, stage.out, layers), d.keep(ctx, d.asOne[stage.name], layers))
}

// recorder records the steps of a stage twice: as the builder did them, and as those of
// one builder that did all.
func (d *dispatcher) recorder(ctx context.Context, on *member, stage placed) (func(engine.Step) error, error) {
	asOne, err := stepsOf(ctx, d.asOne[stage.name])
	if err != nil {
		return nil, err
	}
	own, err := stepsOf(ctx, stage.out)
	if err != nil {
		return nil, err
	}
	return func(step engine.Step) error {
		err := on.state.RecordStep(step)
		for i, head := range own {
			if step.Digest == head {
				step.Digest = asOne[i]
				d.witness.Note(step)
				return errors.Join(err, d.state.RecordStepOn(on.builder, step))
			}
		}
		return err
	}, nil
}

// stepsOf are the two steps of a stage.
func stepsOf(ctx context.Context, out stages.Outputs) ([]digest.Digest, error) {
	build, err := definition.Head(ctx, out.Build)
	if err != nil {
		return nil, err
	}
	collect, err := definition.Head(ctx, out.Root)
	return []digest.Digest{build, collect}, err
}
