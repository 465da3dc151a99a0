package builder

import (
	"context"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// layers returns one layer for each package of the image, and the base that they were
// built in, if there is one: what the state has, what is taken from elsewhere, and what
// has to be built.
func (s *supply) layers(ctx context.Context) ([]oci.Layer, v1.Hash, error) {
	if layers, err := s.without(ctx); layers != nil || err != nil {
		return layers, v1.Hash{}, err
	}
	base, err := s.base(ctx)
	if err != nil {
		return nil, base, err
	}
	outputs := s.graph.LLB(definition.Inputs(base))
	s.asOne = outputs
	list, err := definitions(ctx, s.graph, outputs)
	if err != nil {
		return nil, base, err
	}
	missing, err := s.record(ctx, list)
	if err != nil {
		return nil, base, err
	}
	if len(s.state.Several()) > 0 {
		err = s.dispatch(ctx, base, outputs, list, missing)
	} else {
		outputs, err = s.substituted(ctx, base, outputs, list, missing)
	}
	if err != nil {
		return nil, base, err
	}
	s.outputs = outputs
	start := func() (pack.Engine, error) { return s.start(ctx, list) }
	layers, err := pack.Layers(ctx, s.state, s.layout, list, s.graph.Target.Epoch, start, s.options.Display)
	// After a failure or an interrupt too: some stages are done.
	err = errors.Join(err, s.records(nil).Remember(context.WithoutCancel(ctx), base))
	if err == nil && s.options.Publish != nil {
		err = s.publish(ctx, outputs)
	}
	return layers, base, err
}

// start is build.start for what is not taken, with the witness.
func (s *supply) start(ctx context.Context, list []pack.Package) (pack.Engine, error) {
	e, err := s.build.start(ctx, s.built, list)
	if err != nil {
		return nil, err
	}
	return s.witness.Watch(e), nil
}

// without returns the layers if there is no base and none is needed.
func (s *supply) without(ctx context.Context) ([]oci.Layer, error) {
	if len(s.options.Packages) == 0 {
		return nil, nil
	}
	if _, found, err := base.Look(s.layout, s.options.Base, s.options.Sources.Archive); found || err != nil {
		return nil, err
	}
	missing, err := s.takeAll(ctx, s.graph.Contents())
	if err != nil || len(missing) > 0 {
		return nil, err
	}
	var layers []oci.Layer
	var list []pack.Package
	for _, name := range s.graph.Contents() {
		layers = append(layers, s.known[name].Layer)
		list = append(list, newPackage(s.graph, name))
	}
	return layers, pack.Overlaps(list, layers)
}

// record takes the packages whose layers the state lacks, records their layers as if they
// had been built, and returns the names of those that have to be.
func (s *supply) record(ctx context.Context, list []pack.Package) ([]string, error) {
	var lacking []string
	for _, p := range list {
		_, found, err := s.state.Layer(s.layout, definition.Key(p.Definition))
		if err != nil {
			return nil, err
		}
		if !found {
			lacking = append(lacking, p.Name)
		}
	}
	missing, err := s.takeAll(ctx, lacking)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if t := s.known[p.Name]; t.Found {
			if err := s.state.KeepLayer(definition.Key(p.Definition), t.Layer); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// substituted is substitute, after as many stages were cut off as can be.
func (s *supply) substituted(ctx context.Context, base v1.Hash, outputs map[string]stages.Outputs, list []pack.Package, missing []string) (map[string]stages.Outputs, error) {
	missing, err := s.cutOff(ctx, base, list, missing)
	if err != nil {
		return nil, err
	}
	return s.substitute(ctx, definition.Inputs(base), outputs, list, missing)
}

// substitute has what is missing built with packages from elsewhere, where BuildKit has
// none of its own. It returns the outputs of all stages as they are then built.
func (s *supply) substitute(ctx context.Context, in stages.Inputs, outputs map[string]stages.Outputs, list []pack.Package, missing []string) (map[string]stages.Outputs, error) {
	p := s.records(outputs)
	if s.options.Publish != nil {
		more, err := s.own(ctx, p)
		if err != nil {
			return nil, err
		}
		missing = append(missing, more...)
	}
	if len(missing) == 0 || len(s.options.Packages) == 0 {
		return outputs, nil
	}
	taken, building, err := s.inputs(ctx, p, missing)
	if err != nil {
		return nil, err
	}
	s.built.Stages = slices.DeleteFunc(slices.Clone(s.graph.Stages), func(r stages.Recipe) bool { return !slices.Contains(building, r.Name) })
	if len(taken) == 0 {
		return outputs, nil
	}
	in.Taken = taken
	outputs = s.graph.LLB(in)
	for i, p := range list {
		if _, foreign := taken[p.Name]; foreign {
			continue
		}
		if list[i].Build, err = definition.Of(ctx, p.Name, outputs[p.Name].Root); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// own are the packages that an earlier run built with packages from elsewhere: to publish
// them takes the same.
func (s *supply) own(ctx context.Context, p records.Stages) ([]string, error) {
	var list []string
	for _, name := range s.graph.Contents() {
		done, err := p.Look(ctx, name)
		if err != nil {
			return nil, err
		}
		foreign, err := s.foreign(name)
		if err != nil {
			return nil, err
		}
		if !done.Sorted && !foreign {
			list = append(list, name)
		}
	}
	return list, nil
}

// foreign says whether a stage was taken from elsewhere.
func (s *supply) foreign(name string) (bool, error) {
	var t records.Taken
	return s.state.Kept(state.KindTaken, s.key(name), &t)
}
