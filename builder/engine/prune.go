package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/worker"
)

// prunedFile names the file whose time says since when BuildKit's cache in dir
// has dropped nothing. BuildKit tells how much it prunes, but not of which
// steps: those that it had before are in doubt.
func prunedFile(dir string) string { return filepath.Join(dir, "pruned") }

// Dropped says whether BuildKit may have dropped a result since it last told that
// it has it, at the time seen: its cache in dir is gone, or was pruned later.
func Dropped(dir string, seen time.Time) (bool, error) {
	_, embedded := os.Stat(filepath.Join(dir, cacheFile))
	_, remote := os.Stat(filepath.Join(dir, workerFile))
	if embedded != nil && remote != nil {
		return true, nil
	}
	pruned, err := os.Stat(prunedFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("reading when BuildKit's cache was pruned: %w", err)
	}
	return !seen.After(pruned.ModTime()), nil
}

// pruneNoter is a worker that notes when something of its cache is dropped.
type pruneNoter struct {
	worker.Worker
	dir string
}

// Prune passes on what the worker drops. It notes that at the first, for a kill
// may follow, and after the last, for a step that was found cached meanwhile
// may be among it.
func (p pruneNoter) Prune(ctx context.Context, ch chan client.UsageInfo, opt ...client.PruneInfo) error {
	dropped := make(chan client.UsageInfo)
	first := make(chan error, 1)
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		for info := range dropped {
			if len(first) == 0 {
				first <- notePruned(p.dir)
			}
			select {
			case ch <- info:
			case <-ctx.Done():
			}
		}
	}()
	err := p.Worker.Prune(ctx, dropped, opt...)
	close(dropped)
	<-passed
	if len(first) > 0 {
		err = errors.Join(err, <-first, notePruned(p.dir))
	}
	return err
}

// Shrink starts the embedded BuildKit on its cache in o.Dir, and has it drop what was
// used least recently until size bytes are left. What it drops is in doubt from then on.
func Shrink(ctx context.Context, o Options, size int64) error {
	e, err := embedded(ctx, o)
	if err != nil {
		return err
	}
	err = e.prune(ctx, size)
	return errors.Join(err, e.Close())
}

// prune drops all for a size of 0.
func (e *BuildKit) prune(ctx context.Context, size int64) error {
	if err := e.client.Prune(ctx, nil, client.PruneAll, client.WithKeepOpt(0, 0, size, 0)); err != nil {
		return fmt.Errorf("pruning BuildKit's cache: %w", err)
	}
	return nil
}

// InContainerd says whether what dir keeps for a builder is of a cache in the host's
// containerd: who removes dir leaves that there.
func InContainerd(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "containerd-"+snapshotter))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// noteNewCache notes that dir holds no result yet, if BuildKit never ran there.
func noteNewCache(dir string) error {
	_, err := os.Stat(filepath.Join(dir, cacheFile))
	if errors.Is(err, fs.ErrNotExist) {
		return notePruned(dir)
	}
	return err
}

func notePruned(dir string) error {
	if err := os.WriteFile(prunedFile(dir), nil, 0o600); err != nil {
		return fmt.Errorf("noting that BuildKit's cache was pruned: %w", err)
	}
	return nil
}
