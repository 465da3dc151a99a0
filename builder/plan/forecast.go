package plan

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rootbuild/rootbuild/stages"
)

// StagesAtOnce is how many stages run at once on each of several builders, if nobody
// says otherwise: while one runs its configure on one core, another compiles.
const StagesAtOnce = 2

// Forecast is how long a build takes on some number of builders, computed from what its
// stages took before. It counts neither what moves between them nor that two stages on
// one builder may slow each other down more than they did when they were measured.
type Forecast struct {
	// Steps is how many stages run at once on each builder.
	Steps    int            `json:"steps"`
	Builders []ForecastLine `json:"builders"`
	// Floor is the longest chain of stages, which no number of builders makes shorter.
	Floor ForecastLine `json:"floor"`
	// Chain is that of a build of everything.
	Chain []string `json:"chain"`
	// Unknown are stages that nobody measured: each counts as a minute.
	Unknown []string `json:"unknown,omitempty"`
}

// ForecastLine is the seconds that a number of builders takes.
type ForecastLine struct {
	Builders int     `json:"builders,omitempty"`
	Seconds  float64 `json:"seconds"`    // for what has to be built now
	All      float64 `json:"allSeconds"` // for every stage of the target
}

// Forecast computes what each number of builders gives, with so many steps at once on
// each; 0 means StagesAtOnce.
func (p Plan) Forecast(numbers []int, steps int) Forecast {
	steps = cmp.Or(steps, StagesAtOnce)
	f := Forecast{Steps: steps}
	now, all := p.work(true), p.work(false)
	for _, s := range p.Stages {
		if p.seconds[s.Name] == 0 {
			f.Unknown = append(f.Unknown, s.Name)
		}
	}
	for _, n := range numbers {
		f.Builders = append(f.Builders, ForecastLine{n, makespan(now, n*steps), makespan(all, n*steps)})
	}
	_, f.Floor.Seconds = newQueue(now).longest()
	f.Chain, f.Floor.All = newQueue(all).longest()
	return f
}

// work lists what has to be built now, or all stages, with what they are expected to
// take.
func (p Plan) work(now bool) []work {
	seconds := maps.Clone(p.seconds)
	var names []string
	for _, s := range p.Stages {
		if now && (s.Action == ActionCached || s.Action == ActionTake) {
			continue
		}
		names = append(names, s.Name)
		if now && s.Action == ActionCollect {
			seconds[s.Name] = s.Seconds
		}
	}
	return workOf(p.graph, names, seconds)
}

// workOf orders stages of a graph, each after those of them that it is built with.
func workOf(g stages.Graph, names []string, seconds map[string]float64) []work {
	var list []work
	for _, r := range g.Stages {
		if !slices.Contains(names, r.Name) {
			continue
		}
		w := work{name: r.Name, seconds: seconds[r.Name]}
		if w.seconds == 0 {
			w.seconds = unknownSeconds
		}
		for _, need := range append(g.Tools(r.Name), g.BuildClosure(r.Name)...) {
			if slices.Contains(names, need) && !slices.Contains(w.needs, need) {
				w.needs = append(w.needs, need)
			}
		}
		list = append(list, w)
	}
	return list
}

// makespan is how long it takes to do all work with so many stages at once, in the
// order in which builders are given it.
func makespan(list []work, atOnce int) float64 {
	seconds := map[string]float64{}
	for _, w := range list {
		seconds[w.name] = w.seconds
	}
	q := newQueue(list)
	end := map[string]float64{} // of those that run
	now := 0.0
	for {
		for len(end) < atOnce {
			name, ok := q.Take()
			if !ok {
				break
			}
			end[name] = now + seconds[name]
		}
		if len(end) == 0 {
			return now
		}
		first := slices.MinFunc(slices.Sorted(maps.Keys(end)), func(a, b string) int { return cmp.Compare(end[a], end[b]) })
		now = end[first]
		delete(end, first)
		q.Done(first)
	}
}

// WriteTable writes a line for each number of builders.
func (f Forecast) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "\ncomputed from what the stages took before, with %d at once on each builder:\n", f.Steps)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "builders\tto build now\tall stages")
	for _, l := range f.Builders {
		fmt.Fprintf(table, "%d\t%s\t%s\n", l.Builders, span(l.Seconds), span(l.All))
	}
	fmt.Fprintf(table, "any\t%s\t%s\n", span(f.Floor.Seconds), span(f.Floor.All))
	if err := table.Flush(); err != nil {
		return err
	}
	if n := len(f.Unknown); n > 0 {
		fmt.Fprintf(w, "%d stages were never measured, and count as %s each\n", n, span(unknownSeconds))
	}
	_, err := fmt.Fprintf(w, "longest chain of all stages: %s\n", strings.Join(f.Chain, ", "))
	return err
}
