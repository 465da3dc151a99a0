// Package pack has packages of an image built and packs them as layers, and tells what
// in them may not be in a root.
package pack

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Engine runs the jobs of a build. *engine.BuildKit is one.
type Engine interface {
	Build(ctx context.Context, jobs []engine.Job, w engine.Watch) error
	About() engine.About
	io.Closer
}

// Package is one package of an image: what it is called and what builds it.
type Package struct {
	Name       string
	Definition *llb.Definition
	Build      *llb.Definition // in place of Definition, with what comes from elsewhere; nil: the same
	Fallback   bool            // its paths give way to those of later packages
	Early      bool            // only the initramfs has it: its paths are not the root's
	Stages     int             // that it is built of
}

// Layers returns one layer a package, in the order of the packages. Those that
// an earlier build made are taken from the records; for the others start is
// called once for an engine, and its progress goes to display.
func Layers(ctx context.Context, s *state.State, images *oci.Layout, packages []Package, epoch time.Time, start func() (Engine, error), display *engine.Display) ([]oci.Layer, error) {
	layers := make([]oci.Layer, len(packages))
	var jobs []engine.Job
	var mu sync.Mutex
	for i, p := range packages {
		layer, found, err := s.Layer(images, definition.Key(p.Definition))
		if err != nil {
			return nil, err
		}
		if found {
			layers[i] = layer
			continue
		}
		jobs = append(jobs, engine.Job{Name: p.Name, Definition: cmp.Or(p.Build, p.Definition), Stages: p.Stages, Write: func(ctx context.Context, tree io.Reader) error {
			layer, err := images.WriteLayer(ctx, tree, oci.LayerOptions{Epoch: epoch})
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			layers[i] = layer
			return s.KeepLayer(definition.Key(p.Definition), layer)
		}})
	}
	if len(jobs) > 0 {
		if err := build(ctx, s, jobs, start, display); err != nil {
			return nil, err
		}
	}
	return layers, Overlaps(packages, layers)
}

func build(ctx context.Context, s *state.State, jobs []engine.Job, start func() (Engine, error), display *engine.Display) error {
	e, err := start()
	if err != nil {
		return err
	}
	return errors.Join(e.Build(ctx, jobs, engine.Watch{Display: display, Step: s.RecordStep}), e.Close())
}

// Overlaps tells every path that two packages bring. A directory may be in
// many, if they agree on its owner and mode, and what a fallback package brings
// may be covered.
func Overlaps(packages []Package, layers []oci.Layer) error {
	type owned struct {
		oci.Entry
		by string
	}
	owners := map[string]owned{}
	var errs []error
	for i, layer := range layers {
		if packages[i].Fallback || packages[i].Early {
			continue
		}
		for _, e := range layer.Entries {
			mine := owned{e, packages[i].Name}
			if other, taken := owners[e.Path]; taken {
				errs = append(errs, clash(e.Path, other.by, mine.by, other.Entry, e))
			}
			owners[e.Path] = mine
		}
	}
	return errors.Join(errs...)
}

// clash says why two packages cannot both bring a path, or nil.
func clash(path, first, second string, a, b oci.Entry) error {
	if a.Type != tar.TypeDir || b.Type != tar.TypeDir {
		return fmt.Errorf("packages %s and %s both bring /%s: remove it from one, with `remove:` in its recipe", first, second, path)
	}
	if a.Mode != b.Mode || a.UID != b.UID || a.GID != b.GID {
		return fmt.Errorf("packages %s and %s bring the directory /%s as %04o %d:%d and %04o %d:%d: remove it from one, with `remove:` in its recipe",
			first, second, path, a.Mode, a.UID, a.GID, b.Mode, b.UID, b.GID)
	}
	return nil
}
