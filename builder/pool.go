package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/builder/provenance"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/stages"
)

// pool is the builders that share a build. It connects to them when the first stage has
// to be built.
type pool struct {
	build
	graph   stages.Graph // of what is built
	list    []pack.Package
	witness *provenance.Witness
	started bool
	members []*member
	gone    []string // why builders are not, or no more, among them
}

// member is one builder of a pool.
type member struct {
	builder engine.Builder
	state   *state.State // with its records
	engine  pack.Engine
	running int
	lost    bool
}

// start connects to all builders at once, and fetches the sources if one answers. Those
// that do not answer, or cannot build, are left out.
func (p *pool) start(ctx context.Context) error {
	p.started = true
	all := make([]build, len(p.state.Several()))
	failed := make([]error, len(all))
	var group sync.WaitGroup
	for i, b := range p.state.Several() {
		all[i] = p.build
		all[i].state = p.state.On(b)
		group.Go(func() { failed[i] = engine.Check(ctx, all[i].engine(all[i].state, p.list)) })
	}
	group.Wait()
	if !slices.Contains(failed, nil) {
		return errors.Join(failed...)
	}
	if err := sources.Fetch(ctx, p.state, p.graph, p.options.Sources, p.options.Display); err != nil {
		return err
	}
	// One after the other: each takes the log of the process.
	for i, b := range all {
		var e pack.Engine
		if failed[i] == nil {
			e, failed[i] = engine.Start(ctx, b.engine(b.state, p.list))
		}
		if err := failed[i]; err != nil {
			p.gone = append(p.gone, err.Error())
			p.note("%v; it is left out of this build", err)
			continue
		}
		p.members = append(p.members, &member{builder: p.state.Several()[i], state: b.state, engine: p.witness.Watch(e)})
	}
	return ctx.Err()
}

// pick returns the builder that a stage goes to, nil if all have enough to do: one that
// has compiled it and only has to sort, one that runs fewer others, one that has more of
// what the stage is built with.
func (p *pool) pick(ctx context.Context, stage placed, here map[definition.Need]input) (*member, error) {
	if !p.started {
		if err := p.start(ctx); err != nil {
			return nil, err
		}
	}
	var best *member
	var most [3]int64
	left := false
	for _, m := range p.members {
		left = left || !m.lost
		if m.lost || m.running >= cmp.Or(p.options.Steps, plan.StagesAtOnce) {
			continue
		}
		compiled, bytes, err := m.has(ctx, stage, here)
		if err != nil {
			return nil, err
		}
		if rank := [3]int64{compiled, -int64(m.running), bytes}; best == nil || slices.Compare(rank[:], most[:]) > 0 {
			best, most = m, rank
		}
	}
	if !left {
		return nil, fmt.Errorf("no builder is left: %s; what they finished is kept, and the same command goes on from there", strings.Join(p.gone, "; "))
	}
	return best, nil
}

// has says whether the builder has compiled a stage, and how much it has of what that is
// built with: as far as the records know.
func (m *member) has(ctx context.Context, stage placed, here map[definition.Need]input) (compiled, bytes int64, err error) {
	_, step, found, err := records.StepOf(ctx, m.state, stage.out.Build)
	if err != nil {
		return 0, 0, err
	}
	if found && !step.Lost {
		compiled = 1
	}
	for _, n := range stage.needs {
		in := here[n]
		if in.step == "" {
			continue // it is empty
		}
		step, found, err := m.state.Step(in.step)
		if err != nil {
			return 0, 0, err
		}
		if found && !step.Lost {
			bytes += in.layer.Size
		}
	}
	return compiled, bytes, nil
}

// lose takes a builder out that went away while it built a stage.
func (p *pool) lose(m *member, stage string, lost *engine.LostError) {
	m.lost = true
	why := fmt.Sprintf("%s was lost while it built %s (%v)", m.builder, stage, innermost(lost))
	p.gone = append(p.gone, why)
	if slices.ContainsFunc(p.members, func(m *member) bool { return !m.lost }) {
		p.note("%s; %s goes to another", why, stage)
	}
}

// innermost is the error of the connection itself: what is around it says once more which
// builder and which stage.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if joined, ok := any(err).(interface{ Unwrap() []error }); ok {
			inner = joined.Unwrap()[0]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}

func (p *pool) note(format string, args ...any) {
	task := p.options.Display.Task("builders")
	fmt.Fprintf(task, format+"\n", args...)
	task.Done(nil)
}

// close ends the connections, the last first: each gives back what it took.
func (p *pool) close() error {
	var errs []error
	for _, m := range slices.Backward(p.members) {
		errs = append(errs, m.engine.Close())
	}
	return errors.Join(errs...)
}
