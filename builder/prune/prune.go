// Package prune says what a state holds that nothing needs any more, and removes it.
package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// Options say what a state keeps.
type Options struct {
	// Yes removes. Without it nothing is changed.
	Yes bool
	// Graphs are of targets that stay as they stand, with all that their next build
	// takes, however old their images are.
	Graphs []stages.Graph
	// Keep is how many images stay of each target that does, the newest; at least 1.
	Keep int
	// Grace is how long a target stays that Graphs does not have, after its image was
	// built last, and for how long what was fetched or broke off stays that no target
	// names.
	Grace time.Duration
	// Roots are the images that node roots were unpacked from, by the roots' tags.
	Roots map[string]v1.Hash
	// MaxCache, if not 0, is to how many bytes BuildKit's cache is pruned, what was used
	// least recently first.
	MaxCache int64
}

// Run says what the state holds that nothing needs any more, and what stays and why,
// and with o.Yes removes it. A kill leaves what the next build takes as it is.
func Run(ctx context.Context, in *state.State, o Options) (Pruned, error) {
	p := pruning{
		state: in, options: o, now: time.Now(), found: Pruned{Items: []Item{}}, needed: newNeeded(o.Graphs),
		forget: map[v1.Hash]bool{}, stay: map[v1.Hash]bool{},
	}
	if err := p.look(ctx); err != nil {
		return Pruned{}, fmt.Errorf("looking what can be pruned: %w", err)
	}
	if !o.Yes {
		return p.found, nil
	}
	if err := p.remove(ctx); err != nil {
		return Pruned{}, fmt.Errorf("pruning: %w", err)
	}
	p.found.Done = true
	return p.found, nil
}

// pruning is one prune: what it found, and what it is to remove.
type pruning struct {
	state   *state.State
	layout  *oci.Layout
	sources *distfiles.Store
	options Options
	now     time.Time
	found   Pruned
	needed  needed

	forget   map[v1.Hash]bool // manifests
	blobs    []v1.Hash
	stay     map[v1.Hash]bool // blobs
	unused   []string         // sha256 of sources
	records  []string         // files
	trees    []string         // files and directories
	boots    []string         // tags
	builders map[string]bool  // directories of builders that stay
	again    bool             // what a killed reproduce left
	cache    bool             // BuildKit's is too large
	runc     bool             // it takes one
}

// look finds what goes. It changes nothing.
func (p *pruning) look(ctx context.Context) (err error) {
	if p.layout, err = oci.OpenLayout(p.state.Images()); err != nil {
		return err
	}
	if p.sources, err = distfiles.Open(p.state.Distfiles()); err != nil {
		return err
	}
	held, err := p.lookImages(ctx)
	if err != nil {
		return err
	}
	if err := p.lookBlobs(held); err != nil {
		return err
	}
	err = errors.Join(p.lookSources(), p.lookParts(), p.lookBuilders(), p.lookRecords(),
		p.lookKernels(), p.lookBoots(), p.lookAgain(), p.lookCache())
	p.found.sort()
	return err
}

// remove removes what look found: names before what they name, so that nothing is left
// that leads to what is gone.
func (p *pruning) remove(ctx context.Context) error {
	if p.runc {
		// Before anything is gone, not after it.
		if err := engine.Check(ctx, p.cacheOptions()); err != nil {
			return err
		}
	}
	if err := p.layout.Forget(p.forget); err != nil {
		return err
	}
	if err := removeAll(ctx, p.records); err != nil {
		return err
	}
	if err := p.layout.RemoveBlobs(ctx, p.blobs); err != nil {
		return err
	}
	for _, sum := range p.unused {
		if err := errors.Join(ctx.Err(), p.sources.Remove(sum)); err != nil {
			return err
		}
	}
	if err := errors.Join(p.removeTrees(ctx), p.removeBoots(ctx), p.removeAgain(ctx)); err != nil {
		return err
	}
	return p.shrinkCache(ctx)
}

func removeAll(ctx context.Context, paths []string) error {
	for _, path := range paths {
		if err := errors.Join(ctx.Err(), os.RemoveAll(path)); err != nil {
			return err
		}
	}
	return nil
}

// young says whether something was made or used within the grace.
func (p *pruning) young(since time.Time) bool { return p.now.Before(since.Add(p.options.Grace)) }

// tell adds what stays or goes.
func (p *pruning) tell(action Action, kind string, size int64, why string) {
	p.found.add(Item{Action: action, Kind: kind, Size: size, Why: why})
}

// readDir lists a directory of the state, which need not be there.
func readDir(dir string) ([]fs.DirEntry, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}
