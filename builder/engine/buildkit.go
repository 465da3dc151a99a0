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
	"sync/atomic"

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

	about     About
	builder   Builder
	disk      string // a directory whose disk is watched; "" on another host
	keepGoing bool   // see Options, as fresh
	fresh     bool
	jobs      int         // that run at once
	gone      atomic.Bool // what it releases may be held over there
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
	ctx, stop := e.watchHost(ctx)
	defer stop()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(e.jobs)
	failed := make([]error, len(jobs))
	steps := newStepLog(w.Step)
	for i, job := range jobs {
		group.Go(func() error {
			w := watcher{job.Name, e.builder, steps, w.Display, w.On, map[digest.Digest]string{}}
			if e.keepGoing {
				failed[i] = w.explain(e.solve(ctx, job, &w))
				return nil
			}
			return w.explain(e.solve(groupCtx, job, &w))
		})
	}
	err := errors.Join(group.Wait(), errors.Join(unique(failed)...))
	if lost := e.lost(ctx, err, steps); lost != nil {
		e.gone.Store(true)
		return lost // the same for each job
	}
	var full *FullError
	if errors.As(context.Cause(ctx), &full) {
		return full // the rest is what came of it
	}
	return err
}

// watchHost ends a build whose disk is nearly full, or whose containerd is gone:
// BuildKit would wait for that to come back.
func (e *BuildKit) watchHost(ctx context.Context) (_ context.Context, stop func()) {
	ctx, stop = watch(ctx, containerdInterval, func(ctx context.Context) error {
		if !e.builder.inContainerd() {
			return nil
		}
		if err := e.ping(ctx); err != nil && ctx.Err() == nil {
			return &LostError{Err: err}
		}
		return nil
	})
	// It ends with the one above.
	ctx, _ = watch(ctx, diskInterval, func(context.Context) error {
		if e.disk == "" {
			return nil
		}
		return checkDisk(e.disk)
	})
	return ctx, stop
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
	interrupted := ctx.Err
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return watch.follow(status) })
	r, w := io.Pipe()
	opt.Exports = []client.ExportEntry{{
		Type:   client.ExporterTar,
		Output: func(map[string]string) (io.WriteCloser, error) { return w, nil },
	}}
	def := job.Definition
	if e.fresh {
		def = withoutCache(def)
	}
	group.Go(func() error {
		_, err := e.client.Solve(ctx, def, opt, status)
		return errors.Join(err, w.CloseWithError(err))
	})
	group.Go(func() error {
		err := job.Write(ctx, r)
		return errors.Join(err, r.CloseWithError(err))
	})
	err := group.Wait()
	if err != nil && interrupted() != nil {
		return interrupted() // a remote one says so in words only
	}
	return err
}

// Close stops the engine. It is safe to call it once all builds returned.
func (e *BuildKit) Close() error {
	var errs []error
	for _, c := range e.closers {
		errs = append(errs, c())
	}
	if e.gone.Load() {
		return nil
	}
	return errors.Join(errs...)
}
