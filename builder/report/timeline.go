package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// chart is bars over one axis of time.
type chart struct {
	Title, Summary string
	Open           bool
	Ticks          []tick
	Bars           []bar
}

// tick is a time of an axis: at X, in percents of its width.
type tick struct{ X, Text, Anchor string }

// mostCharts is how many runs are drawn. What ran in older ones is in the table.
const mostCharts = 8

// lastRun says of the last build what its chart does not show.
func (p Page) lastRun(runs []run) string {
	b := p.Build
	switch {
	case b == nil && len(runs) == 0:
		return "Nothing is known of how this image was built: neither the build nor a step of it was noted here."
	case b == nil:
		return "The build that made this image was not noted: an older rootbuild did it. These are the runs in which its steps ran. Those that were not noted either are told apart by pauses of ten minutes."
	}
	text := fmt.Sprintf("The last build of this target, %s, took %s. ", during(b.Started, b.Completed), span(b.Completed.Sub(b.Started).Seconds()))
	did := map[kind]int{}
	for _, s := range p.Stages {
		did[p.how(s)]++
	}
	if did[kindBuild]+did[kindCollect]+did[kindTake] == 0 {
		text += "Nothing had to be built, collected or taken."
		if len(runs) > 0 {
			text += " Below are the runs that its stages come from."
		}
		return text
	}
	var list []string
	for _, d := range []struct {
		kind kind
		text string
	}{{kindBuild, "built"}, {kindCollect, "collected again"}, {kindTake, "taken from elsewhere"}, {kindCached, "cached"}, {kindUnknown, "not known here"}} {
		if n := did[d.kind]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, d.text))
		}
	}
	return text + "Of its stages " + strings.Join(list, ", ") + "."
}

// charts draws the runs, the newest first. Open are the newest and the longest.
func (p Page) charts(runs []run) []chart {
	longest := 0
	for i, r := range runs {
		if r.sum() > runs[longest].sum() {
			longest = i
		}
	}
	var list []chart
	for i, r := range runs[:min(len(runs), mostCharts)] {
		c := p.chart(r)
		c.Open = i == 0 || i == longest
		list = append(list, c)
	}
	return list
}

// chart draws one run: the last build from its beginning to its end, another one from its
// first step to its last.
func (p Page) chart(r run) chart {
	from, to := r.from, r.to
	c := chart{Title: "Run of " + during(from, to)}
	if r.last {
		from, to = earlier(p.Build.Started, from), later(p.Build.Completed, to)
		c.Title = "Last build, " + during(from, to)
	}
	length := to.Sub(from).Seconds()
	path, critical := p.critical(func(i int) float64 { return ranStage{parts: r.of(i)}.seconds() })
	steps, all := 0, []part{}
	slices.SortStableFunc(r.stages, func(a, b ranStage) int { return cmp.Or(a.from().Compare(b.from()), cmp.Compare(a.stage, b.stage)) })
	for _, s := range r.stages {
		steps += len(s.parts)
		all = append(all, s.parts...)
		c.Bars = append(c.Bars, p.timeBar(s, from, length, slices.Contains(path, s.stage)))
	}
	where := ""
	if list := builders(all); len(list) > 0 {
		where = " on " + strings.Join(list, " and ")
	}
	c.Summary = fmt.Sprintf("%s in all; %s of %s%s, %s one after the other; critical path %s.", span(length),
		count(steps, "step", "steps"), count(len(r.stages), "stage", "stages"), where, span(r.sum()), span(critical))
	c.Ticks = ticks(length)
	return c
}

func (p Page) timeBar(r ranStage, from time.Time, length float64, critical bool) bar {
	s := p.Stages[r.stage]
	b := bar{Name: s.Name, Note: s.Version, Link: "#stage-" + s.Name, Value: span(r.seconds())}
	for _, d := range r.parts {
		title := fmt.Sprintf("%s %s: %s, from %s", d.kind, s.Name, span(d.step.Seconds), span(d.step.Started.Sub(from).Seconds()))
		b.Parts = append(b.Parts, rect{percent(d.step.Started.Sub(from).Seconds(), length), percent(d.step.Seconds, length), string(d.kind), title, critical})
	}
	return b
}

func (s ranStage) from() time.Time {
	t := s.parts[0].step.Started
	for _, d := range s.parts {
		t = earlier(t, d.step.Started)
	}
	return t
}

// steps of an axis, in seconds.
var axisSteps = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600}

// mostTicks is how many an axis has room for on a phone.
const mostTicks = 6

// ticks are those of an axis that is so many seconds long.
func ticks(length float64) []tick {
	step := axisSteps[len(axisSteps)-1]
	for _, s := range axisSteps {
		if length/s <= mostTicks {
			step = s
			break
		}
	}
	for length/step > mostTicks {
		step *= 2
	}
	var list []tick
	for i := 0; float64(i)*step <= length && length > 0; i++ {
		at := float64(i) * step
		t := tick{percent(at, length), short(at), "middle"}
		switch {
		case i == 0:
			t.Anchor = "start"
		case at > 0.93*length:
			t.Anchor = "end"
		}
		list = append(list, t)
	}
	return list
}

// short writes a round time: "1h30m" for 1h30m0s.
func short(seconds float64) string {
	if seconds == 0 {
		return "0"
	}
	text := time.Duration(seconds * float64(time.Second)).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
