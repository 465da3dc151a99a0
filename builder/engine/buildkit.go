// Package engine runs LLB on BuildKit and hands the results out as tar streams. It
// knows no recipe and no image: what it is given are definitions.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// BuildKit is one that runs, with the OCI layouts that builds may read from.
type BuildKit struct {
	client  *client.Client
	stores  map[string]content.Store
	closers []func() error // in the order of their calls

	dir       string // whose disk is watched
	keepGoing bool   // see Options
	jobs      int    // that run at once
}

// Job is one state to build and the consumer of its tree.
type Job struct {
	// Name is what the errors of this job begin with, e.g. "bash".
	Name string
	// Definition is the marshalled LLB of the state.
	Definition *llb.Definition
	// Stages is how many stages the state is built of.
	Stages int
	// Write consumes the state's tree as a tar stream.
	Write func(ctx context.Context, tree io.Reader) error
}

// openStores opens each named OCI layout as a content store: a layout's blobs
// directory is exactly containerd's local store.
func openStores(layouts map[string]string) (map[string]content.Store, error) {
	stores := map[string]content.Store{}
	for name, dir := range layouts {
		store, err := local.NewStore(dir)
		if err != nil {
			return nil, fmt.Errorf("opening layout %s: %w", dir, err)
		}
		stores[name] = store
	}
	return stores, nil
}

// Build solves jobs on one engine, which builds a step that several of them
// share only once. BuildKit starts steps in the order in which they ask, so that
// all jobs at once would put the last stage of a long chain behind everything:
// only some jobs ask at a time, those of many stages first.
//
// The first failure stops the others, unless the engine keeps going. It is a
// *StepError where a step failed.
func (e *BuildKit) Build(ctx context.Context, jobs []Job, w Watch) error {
	jobs = slices.SortedStableFunc(slices.Values(jobs), func(a, b Job) int { return cmp.Compare(b.Stages, a.Stages) })
	ctx, stop := watchDisk(ctx, e.dir)
	defer stop()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(e.jobs)
	failed := make([]error, len(jobs))
	steps := &stepLog{tell: w.Step}
	for i, job := range jobs {
		group.Go(func() error {
			w := watcher{job.Name, steps, w.Display, map[digest.Digest]string{}}
			if e.keepGoing {
				failed[i] = w.explain(e.solve(ctx, job, &w))
				return nil
			}
			return w.explain(e.solve(groupCtx, job, &w))
		})
	}
	err := errors.Join(group.Wait(), errors.Join(unique(failed)...))
	var full *FullError
	if errors.As(context.Cause(ctx), &full) {
		return full // the rest is what came of it
	}
	return err
}

// unique drops what was told before: jobs that share a step share its failure.
func unique(errs []error) []error {
	told := map[string]bool{}
	return slices.DeleteFunc(errs, func(err error) bool {
		again := err == nil || told[err.Error()]
		if err != nil {
			told[err.Error()] = true
		}
		return again
	})
}

// solve runs one job: BuildKit streams the tree into a pipe that Write reads.
func (e *BuildKit) solve(ctx context.Context, job Job, watch *watcher) error {
	opt := client.SolveOpt{OCIStores: maps.Clone(e.stores), Internal: true}
	status := make(chan *client.SolveStatus)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return watch.follow(status) })
	r, w := io.Pipe()
	opt.Exports = []client.ExportEntry{{
		Type:   client.ExporterTar,
		Output: func(map[string]string) (io.WriteCloser, error) { return w, nil },
	}}
	group.Go(func() error {
		_, err := e.client.Solve(ctx, job.Definition, opt, status)
		return errors.Join(err, w.CloseWithError(err))
	})
	group.Go(func() error {
		err := job.Write(ctx, r)
		return errors.Join(err, r.CloseWithError(err))
	})
	return group.Wait()
}

// Close stops the engine. It is safe to call it once all builds returned.
func (e *BuildKit) Close() error {
	var errs []error
	for _, c := range e.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
