package builder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/images/compare"
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

// publish sends every stage whose result BuildKit has, and that the place lacks. One that
// it has with other bytes is an error.
func (s *supply) publish(ctx context.Context, outputs map[string]stages.Outputs) error {
	done, err := s.done(ctx, s.records(outputs))
	if err != nil || len(done) == 0 {
		return err
	}
	all, err := s.asPackages(ctx, done, outputs)
	if err != nil {
		return err
	}
	start := func() (pack.Engine, error) { return s.start(ctx, all) }
	layers, err := pack.Layers(ctx, s.state, s.layout, all, s.graph.Target.Epoch, start, s.options.Display)
	if err != nil {
		return err
	}
	made := map[string]packages.Made{}
	for i, r := range done {
		made[r.Name] = s.made(r, layers[3*i:3*i+3])
	}
	return s.send(ctx, done, made)
}

// asPackages are the outputs of stages, as they are built, under the definitions that they
// have if everything is built here.
func (s *supply) asPackages(ctx context.Context, list []stages.Recipe, outputs map[string]stages.Outputs) ([]pack.Package, error) {
	var all []pack.Package
	for _, r := range list {
		asOne, made := s.asOne[r.Name], outputs[r.Name]
		for _, o := range packages.Outputs {
			p := pack.Package{Name: definition.Need{Stage: r.Name, Output: o}.String(), Fallback: true} // none of them lies over another
			var errs [2]error
			p.Definition, errs[0] = definition.Of(ctx, r.Name, *definition.Output(&asOne, o))
			p.Build, errs[1] = definition.Of(ctx, r.Name, *definition.Output(&made, o))
			if err := errors.Join(errs[:]...); err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

func (s *supply) made(r stages.Recipe, layers []oci.Layer) packages.Made {
	m := packages.Made{
		Key: s.key(r.Name), Name: r.Name, Version: r.Version, Platform: s.platform(), Epoch: s.graph.Target.Epoch,
		Layers: map[packages.Output]oci.Layer{},
	}
	for i, o := range packages.Outputs {
		m.Layers[o] = layers[i]
	}
	return m
}

// done are the stages that were built here.
func (s *supply) done(ctx context.Context, p records.Stages) ([]stages.Recipe, error) {
	var list []stages.Recipe
	for _, r := range s.graph.Stages {
		foreign, err := s.foreign(r.Name)
		if err != nil {
			return nil, err
		}
		if foreign {
			continue
		}
		done, err := p.Look(ctx, r.Name)
		if err != nil {
			return nil, err
		}
		if done.Sorted {
			list = append(list, r)
		}
	}
	return list, nil
}

// send publishes what the place lacks, and compares what it has.
func (s *supply) send(ctx context.Context, list []stages.Recipe, made map[string]packages.Made) error {
	known := s.offers
	known.Layer = func(ctx context.Context, n definition.Need) (packages.Layer, bool, error) {
		if m, ok := made[n.Stage]; ok {
			return packages.LayerOf(n.Output, m.Layers[n.Output]), true, nil
		}
		return s.layer(ctx, n)
	}
	task := s.options.Display.Task("publish packages")
	var others []error
	err := s.options.Publish.Place.Edit(ctx, func(to packages.Place) error {
		for _, r := range list {
			m := made[r.Name]
			var err error
			if m.Content, err = known.Content(ctx, r.Name); err == nil {
				err = s.sendOne(ctx, to, m)
			}
			var other *OtherBytesError
			if errors.As(err, &other) {
				others = append(others, err)
			} else if err != nil {
				return err // the next would fail alike
			}
		}
		return nil
	})
	err = errors.Join(append(others, err)...)
	task.Done(err)
	return err
}

// sendOne publishes a package, unless the place has it by one of its keys.
func (s *supply) sendOne(ctx context.Context, to packages.Place, m packages.Made) error {
	tags := []string{m.Key}
	if m.Content != "" {
		tags = append(tags, packages.ByContent(m.Content))
	}
	have := false
	for i, tag := range tags {
		there, found, err := to.Look(ctx, tag)
		if err != nil {
			return err
		}
		have = have || found && i == 0
		if found {
			if err := s.compare(ctx, to, m, there); err != nil {
				return err
			}
		}
	}
	if have {
		return nil
	}
	return to.Publish(ctx, s.layout, m, s.options.Publish.Key)
}

// OtherBytesError is of a package that somebody else built to other bytes.
type OtherBytesError struct {
	Name, Place string
	Differences []compare.Difference
}

// firstOfPackage are as many differences of a package as its error tells.
const firstOfPackage = 3

// Error names the files.
func (e *OtherBytesError) Error() string {
	var lines []string
	for i, d := range e.Differences {
		if i == firstOfPackage {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Differences)-i))
			break
		}
		lines = append(lines, d.String())
	}
	return fmt.Sprintf("package %s: %s has it with other bytes than were built here, and keeps them: %s", e.Name, e.Place, strings.Join(lines, "; "))
}

// compare says in what the package that a place has differs from the one made here.
func (s *supply) compare(ctx context.Context, to packages.Place, m packages.Made, there packages.Package) error {
	found, err := differences(ctx, to, s.layout, there, m)
	if len(found) == 0 || err != nil {
		return err
	}
	return &OtherBytesError{m.Name, s.options.Publish.Place.String(), found}
}
