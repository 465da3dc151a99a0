package builder

import (
	"context"
	"errors"

	"github.com/moby/buildkit/client/llb"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/stages"
)

// Publish says where packages go that are built here.
type Publish struct {
	Place packages.Place
	// Key signs them; nil: nobody does, and nobody takes them who asks for signatures.
	Key *trust.PrivateKey
}

// publish sends every stage whose result BuildKit has, and that the place lacks.
func (s *supply) publish(ctx context.Context, outputs map[string]stages.Outputs, list []Package) error {
	lacking, err := s.lacking(ctx, planner{graph: s.graph, state: s.state, layout: s.layout, outputs: outputs})
	if err != nil || len(lacking) == 0 {
		return err
	}
	// The layers of roots are there for the packages of the image: under the key of
	// what they are built of if nothing is taken.
	asBuilt := map[string]Package{}
	for _, p := range list {
		asBuilt[p.Name] = p
	}
	var all []Package
	for _, r := range lacking {
		out := outputs[r.Name]
		for _, o := range []struct {
			name  packages.Output
			state llb.State
		}{{packages.Root, out.Root}, {packages.Dev, out.Dev}, {packages.Tools, out.Tools}} {
			p, ok := asBuilt[r.Name]
			if !ok || o.name != packages.Root {
				def, err := marshal(ctx, r.Name, o.state)
				if err != nil {
					return err
				}
				p = Package{Definition: def}
			}
			p.Name, p.Fallback = r.Name+" "+string(o.name), true // none of them lies over another
			all = append(all, p)
		}
	}
	start := func() (Engine, error) { return s.start(ctx, s.built, all) }
	layers, err := s.state.Layers(ctx, s.layout, all, s.graph.Target.Epoch, start, s.options.Display)
	if err != nil {
		return err
	}
	return s.send(ctx, lacking, layers)
}

// lacking are the stages that are done here and that the place has not.
func (s *supply) lacking(ctx context.Context, p planner) ([]stages.Recipe, error) {
	var list []stages.Recipe
	for _, r := range s.graph.Stages {
		foreign, err := s.foreign(r.Name)
		if err != nil {
			return nil, err
		}
		if foreign {
			continue
		}
		done, err := p.look(ctx, r.Name)
		if err != nil {
			return nil, err
		}
		if !done.sorted {
			continue
		}
		has, err := s.options.Publish.Place.Has(ctx, s.keys()[r.Name])
		if err != nil {
			return nil, err
		}
		if !has {
			list = append(list, r)
		}
	}
	return list, nil
}

// send publishes stages, of which there are three layers each.
func (s *supply) send(ctx context.Context, list []stages.Recipe, layers []oci.Layer) error {
	task := s.options.Display.Task("publish packages")
	var errs []error
	for i, r := range list {
		made := packages.Made{
			Key: s.keys()[r.Name], Name: r.Name, Version: r.Version, Platform: s.platform(), Epoch: s.graph.Target.Epoch,
			Layers: map[packages.Output]oci.Layer{packages.Root: layers[3*i], packages.Dev: layers[3*i+1], packages.Tools: layers[3*i+2]},
		}
		if err := s.options.Publish.Place.Publish(ctx, s.layout, made, s.options.Publish.Key); err != nil {
			errs = append(errs, err)
			break // the next would fail alike
		}
	}
	err := errors.Join(errs...)
	task.Done(err)
	return err
}
