package distfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// SurveyOptions say which archives a survey asks. The zero value is the host's
// apt configuration, with Debian's unstable suite for releases.
type SurveyOptions struct {
	Mirror string        // base URL of a Debian archive for Apt origins; empty: the host's apt configuration
	Suites []string      // whose releases are looked at; none: unstable
	Stall  time.Duration // how long a connection may bring no byte; 0: 60 s
	Pause  time.Duration // before the first retry, doubled for each that follows; 0: 1 s
}

// Finding is what the archives say of one source.
type Finding struct {
	Source  string   // its name
	SHA256  string   // by which it is pinned
	Pinned  string   // its version, as its name tells it; may be empty
	Answers []Answer // of the places that its origins name
	Newest  *Release // the newest release that is later than Pinned, or nil
	Unknown []Answer // where releases could not be asked for
}

// Answer is what one place says.
type Answer struct {
	Where string
	State Presence
	Err   error // why it is not Served
}

// Presence says whether a place has a source.
type Presence string

// A place has the file, or says that it has not, or says nothing of use. Only
// the second is a loss.
const (
	Served      Presence = "served"
	Gone        Presence = "gone"
	Unreachable Presence = "unreachable"
)

// Release is a version of what a source holds.
type Release struct {
	Version string
	Where   string // that has it
}

// State sums up the answers for the pinned file: Served if one place has it, Gone
// if all say that they have not, else Unreachable.
func (f Finding) State() Presence {
	state := Gone
	for _, a := range f.Answers {
		switch a.State {
		case Served:
			return Served
		case Unreachable:
			state = Unreachable
		}
	}
	return state
}

// surveyed is how many places are asked at once.
const surveyed = 8

// Survey asks the origins of every source whether they still have it, and the
// archives that can be listed for newer releases. It downloads no source, keeps
// nothing, and trusts nothing of what it hears: the answers are for a person. A
// place that cannot be asked is told in the findings, and is no error.
func Survey(ctx context.Context, sources []Source, opts SurveyOptions) (_ Findings, err error) {
	jobs, err := byChecksum(sources)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rootbuild-survey-")
	if err != nil {
		return nil, fmt.Errorf("making a place for indices: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := newSurvey(dir, opts)
	defer s.web.client.CloseIdleConnections()
	findings := make(Findings, len(jobs))
	var g errgroup.Group
	g.SetLimit(surveyed)
	for i, j := range jobs {
		g.Go(func() error {
			findings[i] = s.find(ctx, j)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("asking for sources: %w", err)
	}
	return findings, nil
}

// survey is what the jobs of one Survey share.
type survey struct {
	dir     string // for indices
	opts    SurveyOptions
	web     web
	apt     func() (*apt, error)
	indices answers[map[string][]string] // versions by package
	pages   answers[[]string]            // paths of links
}

// answers are what several jobs want and one asks for, by address.
type answers[T any] struct {
	mu  sync.Mutex
	ask map[string]func() (T, error)
}

func (a *answers[T]) get(address string, ask func() (T, error)) (T, error) {
	a.mu.Lock()
	if a.ask == nil {
		a.ask = map[string]func() (T, error){}
	}
	if _, ok := a.ask[address]; !ok {
		a.ask[address] = sync.OnceValues(ask)
	}
	once := a.ask[address]
	a.mu.Unlock()
	return once()
}

func newSurvey(dir string, opts SurveyOptions) *survey {
	if len(opts.Suites) == 0 {
		opts.Suites = []string{"unstable"}
	}
	s := &survey{dir: dir, opts: opts, apt: sync.OnceValues(findApt)}
	s.web = newWeb(FetchOptions{Stall: opts.Stall, Pause: opts.Pause})
	return s
}

// find asks for one source.
func (s *survey) find(ctx context.Context, j job) Finding {
	f := Finding{Source: j.names[0], SHA256: j.sum, Pinned: versionOf(j)}
	for _, o := range j.origins {
		answer, found, unknown := s.ask(ctx, o)
		f.Answers, f.Unknown = append(f.Answers, answer), append(f.Unknown, unknown...)
		f.consider(found)
	}
	return f
}

// ask asks one origin for its file, and for releases beside it.
func (s *survey) ask(ctx context.Context, o Origin) (_ Answer, found []Release, unknown []Answer) {
	if err := o.check(); err != nil {
		return Answer{o.String(), Unreachable, err}, nil, nil
	}
	if o.URL != "" {
		found, unknown = s.listed(ctx, o.URL)
		return s.present(ctx, o.URL), found, unknown
	}
	sites, err := s.sites(ctx)
	if err != nil {
		return Answer{o.String(), Unreachable, err}, nil, nil
	}
	found, unknown = s.indexed(ctx, sites, o.Apt)
	return s.anywhere(ctx, sites, o.Apt), found, unknown
}

// consider keeps the newest release.
func (f *Finding) consider(found []Release) {
	for _, r := range found {
		if newer(r.Version, f.Pinned) && (f.Newest == nil || newer(r.Version, f.Newest.Version)) {
			f.Newest = &r
		}
	}
}

// sites are the base URLs of Debian archives.
func (s *survey) sites(ctx context.Context) ([]string, error) {
	if s.opts.Mirror != "" {
		return []string{s.opts.Mirror}, nil
	}
	apt, err := s.apt()
	if err != nil {
		return nil, err
	}
	return apt.sites(ctx)
}

// anywhere asks Debian archives in their order: they are one origin, of which
// each holds a part.
func (s *survey) anywhere(ctx context.Context, sites []string, file string) Answer {
	whole := Answer{Where: "apt " + file, State: Gone}
	var errs []error
	for _, site := range sites {
		a := s.present(ctx, join(site, file))
		if a.State == Served {
			return a
		}
		if a.State == Unreachable {
			whole.State = Unreachable
		}
		errs = append(errs, fmt.Errorf("%s: %w", a.Where, a.Err))
	}
	whole.Err = errors.Join(errs...)
	return whole
}

// present asks whether an address has a file.
func (s *survey) present(ctx context.Context, address string) Answer {
	a := Answer{Where: redact(address)}
	if file, ok := strings.CutPrefix(address, "file:"); ok {
		_, a.Err = os.Stat(strings.TrimPrefix(file, "//"))
	} else {
		a.Err = s.head(ctx, address)
	}
	var status *statusError
	switch {
	case a.Err == nil:
		a.State = Served
	case errors.Is(a.Err, fs.ErrNotExist):
		a.State = Gone
	case errors.As(a.Err, &status) && (status.code == http.StatusNotFound || status.code == http.StatusGone):
		a.State = Gone
	default:
		a.State = Unreachable
	}
	return a
}

// head asks for a file's header, or, where that is not allowed, for its first
// byte.
func (s *survey) head(ctx context.Context, address string) error {
	err := s.web.headers(ctx, http.MethodHead, address)
	var status *statusError
	if errors.As(err, &status) && status.code != http.StatusNotFound && status.code != http.StatusGone {
		return s.web.headers(ctx, http.MethodGet, address)
	}
	return err
}
