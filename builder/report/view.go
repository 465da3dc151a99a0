package report

import (
	"fmt"
	"html/template"
)

// view is a page as the template takes it: all that is computed is, and is text.
type view struct {
	Page
	Style  template.CSS
	Script template.JS
	Policy string // what a browser may do with the page

	Tiles    []tile
	Facts    []fact
	LastRun  string // what is to be said of the last build before its chart
	Runs     []chart
	Legend   []legend
	Graph    graphView
	Rows     []stageRow
	Sizes    []bar
	Largest  []bar
	Update   update
	BootLine string
	Phases   *chart
	Footer   string
}

// tile is a number that is looked for first.
type tile struct{ Label, Value, Note string }

// fact is a line of what the image is.
type fact struct {
	Name, Value string
	Code        bool
}

// bar is a line of a chart.
type bar struct {
	Name, Note, Link, Value string
	Parts                   []rect
}

// rect is a part of a bar, in percents of its width.
type rect struct {
	X, Width, Class, Title string
	Critical               bool
}

// legend tells what a colour means.
type legend struct{ Class, Text string }

func (p Page) view() view {
	runs := p.runs()
	path, seconds := p.critical(func(i int) float64 { s, _ := p.Stages[i].seconds(); return s })
	v := view{
		Page: p, Facts: p.facts(), Legend: p.legend(), LastRun: p.lastRun(runs), Runs: p.charts(runs),
		Graph: p.graph(path), Rows: p.rows(path), Sizes: p.sizes(), Largest: p.largest(), Update: p.update(),
		BootLine: p.bootLine(), Phases: p.phases(), Footer: p.footer(),
	}
	v.Tiles = p.tiles(v.Update, path, seconds)
	return v
}

func (p Page) tiles(u update, path []int, critical float64) []tile {
	build := tile{"last build", "not known", "this image's build was not noted"}
	if b := p.Build; b != nil {
		build.Value, build.Note = span(b.Completed.Sub(b.Started).Seconds()), day(b.Started)
	}
	sum, unknown := 0.0, 0
	for _, s := range p.Stages {
		took, known := s.seconds()
		sum += took
		if !known {
			unknown++
		}
	}
	steps := tile{"sum of all steps", "not known", "no step of it ran here"}
	longest := tile{"critical path", "not known", "no step of it ran here"}
	if sum > 0 {
		steps.Value, steps.Note = span(sum), count(len(p.Stages), "stage", "stages")
		longest.Value, longest.Note = span(critical), "through "+count(len(path), "stage", "stages")
		if unknown > 0 {
			steps.Note += fmt.Sprintf(", %d of unknown time", unknown)
			longest.Value = "at least " + longest.Value
		}
	}
	size, unpacked, files := p.size()
	image := tile{"image", weight(size), fmt.Sprintf("%s unpacked, %s", weight(unpacked), count(files, "file", "files"))}
	return []tile{build, steps, longest, image, u.tile(p), p.bootTile()}
}

func (p Page) size() (packed, unpacked int64, files int) {
	for _, l := range p.Layers {
		packed, unpacked, files = packed+l.Size, unpacked+l.Unpacked, files+l.Files
	}
	return packed, unpacked, files
}

func (p Page) facts() []fact {
	packages := 0
	for _, l := range p.Layers {
		if !l.Own {
			packages++
		}
	}
	base := fact{"base", p.Base, true}
	if p.Base == "" {
		base = fact{"base", "not known", false}
	}
	return []fact{
		{"image", p.Image, true}, base,
		{"epoch", p.Epoch.UTC().Format("2006-01-02 15:04:05 UTC"), false},
		{"made by", "rootbuild " + p.Rootbuild, false},
		{"packages", fmt.Sprintf("%d, from %s", packages, count(len(p.Stages), "stage", "stages")), false},
		{"sources", count(p.Sources, "file", "files"), false},
		{"toolchain", p.Toolchain.Name + " " + p.Toolchain.Version, false},
	}
}

// legend names the colours that the page has.
func (p Page) legend() []legend {
	texts := map[kind]string{
		kindBuild: "built", kindCollect: "collected: sorted anew, nothing compiled", kindTake: "taken from a place of packages",
		kindCached: "cached: nothing ran for it", kindUnknown: "not known",
	}
	seen := map[kind]bool{}
	for _, s := range p.Stages {
		seen[p.how(s)] = true
		for _, d := range s.done() {
			seen[d.kind] = seen[d.kind] || !d.step.Started.IsZero()
		}
	}
	var list []legend
	for _, k := range []kind{kindBuild, kindCollect, kindTake, kindCached, kindUnknown} {
		if seen[k] {
			list = append(list, legend{string(k), texts[k]})
		}
	}
	return list
}

func (p Page) footer() string {
	return fmt.Sprintf("Drawn by rootbuild %s, %s.", p.Drawn.Rootbuild, day(p.Drawn.At))
}

// builders are where steps ran, each once.
func builders(parts []part) []string {
	var list []string
	seen := map[string]bool{}
	for _, d := range parts {
		if name := d.step.Builder; d.kind != kindTake && !seen[name] {
			seen[name] = true
			list = append(list, orUnknown(name))
		}
	}
	return list
}

func orUnknown(s string) string {
	if s == "" {
		return "a builder that was not noted"
	}
	return s
}
