package distfiles

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// FetchOptions says where sources may come from. The zero value asks every
// origin over the network, four at a time.
type FetchOptions struct {
	Dirs    []string // directories looked in first: by their SumsFile, by the source's name and by each origin's base name
	Blobs   []Blobs  // asked after Dirs, before the origins
	Offline bool     // no network: only Dirs are asked
	Mirror  string   // base URL of a Debian archive for Apt origins; empty: the host's apt configuration
	Jobs    int      // parallel downloads; 0: 4

	// Hosts are those that the URLs of origins may name, in lower case, HOST or
	// HOST:PORT; nil for any. Who wrote the origins may not be whom to ask.
	Hosts []string

	MaxSize int64 // bytes that the network may bring for a source, whose size no pin tells; 0: 2 GiB

	Stall time.Duration // how long a connection may bring no byte; 0: 60 s
	Pause time.Duration // before the first retry, doubled for each that follows; 0: 1 s

	Progress func(Event) // told what happens, one call at a time, from goroutines of Fetch's own; may be nil
}

// Event is a step of one source's way into the store.
type Event struct {
	Source string // the source's name
	Origin string // where its bytes come from; empty when no origin was asked
	State  State
	Done   int64 // bytes that are here
	Total  int64 // bytes there will be; 0 while unknown
	Err    error // why an origin (or, with Origin empty, the source) failed
}

// State says what an Event is about.
type State string

// A source starts at each origin that is asked, moves on, and ends as kept
// (Done), as there before (Cached), or as Failed once for every such origin and
// once, with no origin, for itself.
const (
	Started  State = "started"
	Progress State = "progress"
	Done     State = "done"
	Failed   State = "failed"
	Cached   State = "cached"
)

const (
	defaultJobs = 4
	defaultSize = 2 << 30
	tellEvery   = 200 * time.Millisecond
)

// Fetch brings every source into the store. Each is tried at its places in
// order; what could not be had is told for all sources at once, with each
// place's reason. A cancelled ctx keeps the halves for the next run to resume.
func (s *Store) Fetch(ctx context.Context, sources []Source, opts FetchOptions) error {
	jobs, err := byChecksum(sources)
	if err != nil {
		return err
	}
	f := newFetcher(s, opts)
	defer f.web.client.CloseIdleConnections()
	errs := make([]error, len(jobs))
	var g errgroup.Group
	g.SetLimit(f.opts.Jobs)
	for i, j := range jobs {
		g.Go(func() error {
			errs[i] = f.fetch(ctx, j)
			return nil
		})
	}
	if err := errors.Join(g.Wait(), ctx.Err()); err != nil {
		return fmt.Errorf("fetching sources: %w", err)
	}
	return errors.Join(errs...)
}

// job is one blob to fetch: all the sources that share its checksum.
type job struct {
	sum     string
	names   []string
	origins []Origin
}

func byChecksum(sources []Source) ([]job, error) {
	var jobs []job
	var errs []error
	index := map[string]int{}
	for _, src := range sources {
		if err := src.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		i, known := index[src.SHA256]
		if !known {
			i = len(jobs)
			index[src.SHA256] = i
			jobs = append(jobs, job{sum: src.SHA256})
		}
		jobs[i].names = appendNew(jobs[i].names, src.Name)
		for _, o := range src.Origins {
			jobs[i].origins = appendNew(jobs[i].origins, o)
		}
	}
	return jobs, errors.Join(errs...)
}

func appendNew[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

// fetcher is what the jobs of one Fetch share.
type fetcher struct {
	store *Store
	opts  FetchOptions
	web   web
	apt   func() (*apt, error)

	mu sync.Mutex // serializes opts.Progress
}

func newFetcher(s *Store, opts FetchOptions) *fetcher {
	if opts.Jobs < 1 {
		opts.Jobs = defaultJobs
	}
	if opts.MaxSize <= 0 {
		opts.MaxSize = defaultSize
	}
	return &fetcher{store: s, opts: opts, web: newWeb(opts), apt: sync.OnceValues(findApt)}
}

// fetch brings one blob into the store, unless it is there.
func (f *fetcher) fetch(ctx context.Context, j job) error {
	release, err := f.store.claim(ctx, j.sum)
	if err != nil {
		return err
	}
	defer release()
	if f.store.Has(j.sum) {
		f.tell(j, Event{State: Cached})
		return nil
	}
	if err := f.tryPlaces(ctx, j); err != nil {
		f.tell(j, Event{State: Failed, Err: err})
		return err
	}
	if err := f.store.discard(j.sum); err != nil {
		return fmt.Errorf("removing unfinished downloads of %s: %w", j.sum, err)
	}
	return nil
}

func (f *fetcher) tryPlaces(ctx context.Context, j job) error {
	failure := &sourceError{job: j}
	for p := range f.places(ctx, j) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := f.tryPlace(ctx, j, p)
		if err == nil {
			return nil
		}
		failure.add(p.where, err)
		if failure.store {
			break
		}
	}
	return failure
}

func (f *fetcher) tryPlace(ctx context.Context, j job, p place) error {
	if p.refused != nil {
		return p.refused
	}
	f.tell(j, Event{Origin: p.where, State: Started})
	var told time.Time
	err := p.bring(ctx, func(done, total int64) {
		if time.Since(told) >= tellEvery {
			told = time.Now()
			f.tell(j, Event{Origin: p.where, State: Progress, Done: done, Total: total})
		}
	})
	if err != nil {
		f.tell(j, Event{Origin: p.where, State: Failed, Err: err})
		return err
	}
	info, err := os.Stat(f.store.Path(j.sum))
	if err != nil {
		return storeError{err}
	}
	f.tell(j, Event{Origin: p.where, State: Done, Done: info.Size(), Total: info.Size()})
	return nil
}

func (f *fetcher) tell(j job, e Event) {
	if f.opts.Progress == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range j.names {
		e.Source = name
		f.opts.Progress(e)
	}
}
