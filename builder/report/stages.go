package report

import (
	"cmp"
	"fmt"
	"slices"
)

// stageRow is a line of the table of stages.
type stageRow struct {
	Name, Version, Kind, How, HowClass string
	Details                            string // when, where
	Build, Collect                     string
	With, NeededBy                     []string
	Bound                              bool   // built with the toolchain, too
	ByToolchain                        string // who is built with it as a part of the toolchain
	Critical, InImage                  bool
}

// howText says what a build did for a stage.
var howText = map[kind]string{
	kindBuild: "built", kindCollect: "collected", kindTake: "taken", kindCached: "cached", kindUnknown: "not known",
}

func (p Page) rows(path []int) []stageRow {
	several := p.severalBuilders()
	var list []stageRow
	for i, s := range p.Stages {
		how := p.how(s)
		r := stageRow{
			Name: s.Name, Version: s.Version, Kind: s.Kind, How: howText[how], HowClass: string(how),
			Details: s.details(how, several), Build: s.took(s.Build), Collect: s.took(s.Collect),
			With: s.With, NeededBy: p.neededBy(s.Name), Bound: s.Bound,
			Critical: slices.Contains(path, i), InImage: s.InImage,
		}
		if slices.Contains(p.Toolchain.Binds, s.Name) {
			r.ByToolchain = p.throughToolchain()
		}
		list = append(list, r)
	}
	return list
}

// took is how long a step of the stage took.
func (s Stage) took(step *Step) string {
	switch {
	case step != nil:
		return span(step.Seconds)
	case s.Take != nil:
		return "not here"
	}
	return "not known"
}

// details say when, where and whence a stage came.
func (s Stage) details(how kind, several bool) string {
	step, verb := s.Build, "built"
	if how == kindCollect {
		step, verb = s.Collect, "collected"
	}
	if (step == nil || how == kindTake) && s.Take != nil {
		text := "from " + s.Take.From
		if how == kindCached {
			text = "taken " + text
		}
		if !s.Take.Started.IsZero() {
			text += ", " + day(s.Take.Started)
		}
		return text
	}
	step = cmp.Or(step, s.Collect)
	switch {
	case step == nil:
		return "not built here, or not noted"
	case step.Started.IsZero():
		return "built here, when is not known"
	}
	text := day(step.Started)
	if how == kindCached {
		text = verb + " " + text
	}
	if several {
		text += ", " + orUnknown(step.Builder)
	}
	return text
}

// neededBy are the stages that name another one to be built with.
func (p Page) neededBy(name string) []string {
	var list []string
	for _, s := range p.Stages {
		if slices.Contains(s.With, name) {
			list = append(list, s.Name)
		}
	}
	return list
}

func (p Page) throughToolchain() string {
	n := 0
	for _, s := range p.Stages {
		if s.Bound {
			n++
		}
	}
	return fmt.Sprintf("%s through the toolchain", count(n, "package", "packages"))
}

// severalBuilders says whether steps ran in more than one place.
func (p Page) severalBuilders() bool {
	var all []part
	for _, s := range p.Stages {
		for _, d := range s.done() {
			if !d.step.Started.IsZero() {
				all = append(all, d)
			}
		}
	}
	return len(builders(all)) > 1
}
