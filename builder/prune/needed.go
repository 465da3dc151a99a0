package prune

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/attach"
	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/stages"
)

// needed is what the next builds of targets take, and what their images are built again
// of. Records are told by the names of their files, without the suffix.
type needed struct {
	graphs  []stages.Graph // of targets, as they stand or were built last
	targets map[string]bool
	bases   map[v1.Hash]bool
	sources map[string]bool // by sha256
	layers  map[string]bool // records
	steps   map[string]bool // records
	taken   map[string]bool // records
	made    map[string]bool // records
}

func newNeeded(graphs []stages.Graph) needed {
	return needed{
		graphs:  slices.Clone(graphs),
		targets: map[string]bool{}, bases: map[v1.Hash]bool{}, sources: map[string]bool{}, layers: map[string]bool{},
		steps: map[string]bool{}, taken: map[string]bool{}, made: map[string]bool{nameOf(records.AnyTarget): true},
	}
}

// nameOf is the name of the record that Keep writes.
func nameOf(name string) string { return digest.FromString(name).Encoded() }

// recordKey is the key of the record in a file with that name.
func recordKey(name string) digest.Digest { return digest.NewDigestFromEncoded(digest.SHA256, name) }

// readBuilt adds what an image that stays is built again of: sources, and the base. The
// graph of one that stands for its target is of the target.
func (p *pruning) readBuilt(image v1.Hash, name string, stands bool) (err error) {
	dir, err := os.MkdirTemp("", "rootbuild-prune-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	graph, made, readErr := attach.ReadBlueprint(p.layout, image, filepath.Join(dir, "blueprint"))
	if readErr != nil {
		p.found.Notes = append(p.found.Notes, fmt.Sprintf("%s@%s stays, but not what only it was built of, which is not known: %v", name, image, readErr))
		return nil
	}
	for _, s := range sources.Of(graph) {
		p.needed.sources[s.SHA256] = true
	}
	if h, err := v1.NewHash(made.Base); err == nil {
		p.needed.bases[h] = true
	}
	if stands {
		p.needed.graphs = append(p.needed.graphs, graph)
	}
	return nil
}

// findBases adds the bases that the targets' next builds are in: the default one, and
// those that they were last built in, which may have given the same image as another.
func (p *pruning) findBases() error {
	h, found, err := base.Find(p.layout, base.Options{})
	if err != nil {
		return err
	}
	if found {
		p.needed.bases[h] = true
	}
	for target := range p.needed.targets {
		p.needed.made[nameOf(target)] = true
		made := map[string]records.Made{}
		if _, err := p.state.Kept(state.KindMade, target, &made); err != nil {
			return err
		}
		for _, m := range made {
			if h, err := v1.NewHash(m.Ingredients.Base); err == nil {
				p.needed.bases[h] = true
			}
		}
	}
	return nil
}

// want adds what a build of each graph looks up.
func (n *needed) want(ctx context.Context) error {
	for _, g := range n.graphs {
		for _, s := range sources.Of(g) {
			n.sources[s.SHA256] = true
		}
		for _, key := range g.Keys() {
			n.taken[nameOf(key)] = true
		}
		for h := range n.bases {
			if err := n.wantOn(ctx, g, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// wantOn adds the records of a graph that is built in a base.
func (n *needed) wantOn(ctx context.Context, g stages.Graph, base v1.Hash) error {
	outputs := g.LLB(definition.Inputs(base))
	for name, out := range outputs {
		for _, o := range packages.Outputs {
			def, err := definition.Of(ctx, name, *definition.Output(&out, o))
			if err != nil {
				return err
			}
			n.layers[definition.Key(def).Encoded()] = true
		}
		for _, state := range []llb.State{out.Build, out.Root} {
			step, err := definition.Head(ctx, state)
			if err != nil {
				return err
			}
			n.steps[step.Encoded()] = true
		}
	}
	return nil
}
