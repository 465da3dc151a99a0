package report

import (
	"cmp"
	"slices"
	"time"
)

// pause is how long nothing ran between two runs that nobody noted as such.
const pause = 10 * time.Minute

// run is what ran while one command held the state.
type run struct {
	began    time.Time // zero: it is told by the pauses alone
	from, to time.Time // of its steps
	stages   []ranStage
	last     bool // it made the image
}

// ranStage is what ran of one stage.
type ranStage struct {
	stage int // of the page
	parts []part
}

// part is one step in a run.
type part struct {
	kind kind
	step Step
}

type kind string

// What is done for a stage, and for what stays as it was.
const (
	kindBuild   kind = "build"
	kindCollect kind = "collect"
	kindTake    kind = "take"
	kindCached  kind = "cached"
	kindUnknown kind = "unknown"
)

// done are the steps of a stage of which anything is known, by their kinds.
func (s Stage) done() []part {
	var list []part
	if s.Build != nil {
		list = append(list, part{kindBuild, *s.Build})
	}
	if s.Collect != nil {
		list = append(list, part{kindCollect, *s.Collect})
	}
	if s.Take != nil {
		list = append(list, part{kindTake, s.Take.Step})
	}
	return list
}

// seconds is how long it took to make a stage here, or else to take it.
func (s Stage) seconds() (sum float64, known bool) {
	if s.Build == nil && s.Take != nil {
		return s.Take.Seconds, s.Take.Seconds > 0
	}
	for _, step := range []*Step{s.Build, s.Collect} {
		if step != nil {
			sum += step.Seconds
		}
	}
	return sum, s.Build != nil
}

// runs are those in which the stages were made, the newest first.
func (p Page) runs() []run {
	type timed struct {
		part
		stage int
	}
	var all []timed
	for i, s := range p.Stages {
		for _, d := range s.done() {
			if !d.step.Started.IsZero() {
				all = append(all, timed{d, i})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int {
		return cmp.Or(a.step.Run.Compare(b.step.Run), a.step.Started.Compare(b.step.Started))
	})
	var list []run
	for _, t := range all {
		if n := len(list); n == 0 || !list[n-1].takes(t.step) {
			list = append(list, run{began: t.step.Run, from: t.step.Started, to: t.step.Completed,
				last: p.Build != nil && !t.step.Run.IsZero() && t.step.Run.Equal(p.Build.Run)})
		}
		list[len(list)-1].add(t.stage, t.part)
	}
	slices.SortStableFunc(list, func(a, b run) int { return b.from.Compare(a.from) })
	return list
}

// takes says whether a step is of the run, too.
func (r run) takes(s Step) bool {
	if !r.began.Equal(s.Run) {
		return false
	}
	return !r.began.IsZero() || s.Started.Sub(r.to) < pause
}

func (r *run) add(stage int, p part) {
	if p.step.Completed.After(r.to) {
		r.to = p.step.Completed
	}
	i := slices.IndexFunc(r.stages, func(s ranStage) bool { return s.stage == stage })
	if i < 0 {
		i, r.stages = len(r.stages), append(r.stages, ranStage{stage: stage})
	}
	r.stages[i].parts = append(r.stages[i].parts, p)
}

// of returns what ran of a stage.
func (r run) of(stage int) []part {
	for _, s := range r.stages {
		if s.stage == stage {
			return s.parts
		}
	}
	return nil
}

// sum is how long the steps took, one after the other.
func (r run) sum() (seconds float64) {
	for _, s := range r.stages {
		seconds += s.seconds()
	}
	return seconds
}

func (s ranStage) seconds() (sum float64) {
	for _, p := range s.parts {
		sum += p.step.Seconds
	}
	return sum
}

// critical is the longest way through the stages, where each waits for those before it:
// no number of cores makes a build shorter. took is how long a stage takes.
func (p Page) critical(took func(stage int) float64) (path []int, seconds float64) {
	at := p.byName()
	ends, before := make([]float64, len(p.Stages)), make([]int, len(p.Stages))
	end := -1
	for i, s := range p.Stages {
		before[i] = -1
		for _, name := range s.After {
			if j, ok := at[name]; ok && j < i && ends[j] > 0 && (before[i] < 0 || ends[j] > ends[before[i]]) {
				before[i] = j
			}
		}
		if before[i] >= 0 {
			ends[i] = ends[before[i]]
		}
		ends[i] += took(i)
		if ends[i] > 0 && (end < 0 || ends[i] > ends[end]) {
			end = i
		}
	}
	if end < 0 {
		return nil, 0
	}
	for i := end; i >= 0; i = before[i] {
		if took(i) > 0 {
			path = append(path, i)
		}
	}
	slices.Reverse(path)
	return path, ends[end]
}

func (p Page) byName() map[string]int {
	at := map[string]int{}
	for i, s := range p.Stages {
		at[s.Name] = i
	}
	return at
}

// how says what the build that made the image did for a stage. Where nobody noted that
// build, it says what was ever done.
func (p Page) how(s Stage) kind {
	ever := func(step *Step) bool { return step != nil }
	if p.Build != nil {
		ever = func(step *Step) bool {
			return step != nil && !step.Run.IsZero() && step.Run.Equal(p.Build.Run)
		}
	}
	switch {
	case ever(s.Build):
		return kindBuild
	case ever(s.Collect):
		return kindCollect
	case s.Take != nil && ever(&s.Take.Step):
		return kindTake
	case len(s.done()) > 0:
		return kindCached
	}
	return kindUnknown
}
