package prune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
)

// lookCache says what stays of BuildKit's cache. Its age says nothing: a toolchain that
// no change touched for long is what the next change is built with.
func (p *pruning) lookCache() error {
	dir := p.state.BuildKit()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	t, err := measure(dir)
	if err != nil {
		return err
	}
	limit := p.options.MaxCache
	if limit == 0 || t.size <= limit {
		p.tell(Keep, kindCache, t.size, fmt.Sprintf("BuildKit itself keeps it below %d GiB", int64(engine.DefaultMaxCache)>>30))
		return nil
	}
	p.cache, p.runc = true, true
	p.tell(Keep, kindCache, limit, cacheStays)
	p.tell(Delete, kindCache, t.size-limit, cacheGoes)
	return nil
}

const (
	cacheStays = "used last"
	cacheGoes  = "used least recently"
)

// cacheOptions say how the engine is started on the state's cache alone.
func (p *pruning) cacheOptions() engine.Options {
	return engine.Options{Builder: p.state.Builder(), Dir: p.state.BuildKit()}
}

// shrinkCache has BuildKit drop from its cache, and tells how much it dropped.
func (p *pruning) shrinkCache(ctx context.Context) error {
	if !p.cache {
		return nil
	}
	before, err := measure(p.state.BuildKit())
	if err != nil {
		return err
	}
	if err := engine.Shrink(ctx, p.cacheOptions(), p.options.MaxCache); err != nil {
		return err
	}
	after, err := measure(p.state.BuildKit())
	if err != nil {
		return err
	}
	for i := range p.found.Items {
		switch item := &p.found.Items[i]; {
		case item.Kind == kindCache && item.Action == Keep:
			item.Size = after.size
		case item.Kind == kindCache:
			dropped := max(0, before.size-after.size)
			p.found.Bytes += dropped - item.Size
			item.Size = dropped
		}
	}
	return nil
}

// lookAgain says what becomes of what a killed reproduce left. One that runs holds the
// state.
func (p *pruning) lookAgain() error {
	dir := p.againDir()
	list, err := readDir(dir)
	if err != nil || len(list) == 0 {
		return err
	}
	t, err := measure(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "builders")); err == nil {
		p.tell(Keep, kindAgain, t.size, "the next reproduce on its builder removes it")
		return nil
	}
	p.again = true
	if _, err := os.Stat(filepath.Join(dir, "buildkit")); err == nil {
		p.runc = true // for what may run and be mounted there
	}
	p.tell(Delete, kindAgain, t.size, "left by one that was killed")
	return nil
}

func (p *pruning) againDir() string { return filepath.Join(p.state.Dir(), "reproduce") }

func (p *pruning) removeAgain(ctx context.Context) error {
	if !p.again {
		return nil
	}
	left, err := state.OpenScratch(ctx, p.againDir(), "rootbuild prune", p.state.Builder(), true)
	if err != nil {
		return err
	}
	return left.Remove(ctx)
}
