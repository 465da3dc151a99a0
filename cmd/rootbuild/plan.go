package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// planOptions are the flags of plan.
type planOptions struct {
	target string
	base   string
	mirror mirrors
	json   bool
	state  stateOptions
}

func newPlan(s streams) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan --target TARGET",
		Short: "show each stage of a target: cached, or to build and why",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPlan(cmd.Context(), o, s)
		},
	}
	addTarget(cmd, &o.target)
	addBase(cmd, &o.base)
	addMirror(cmd, &o.mirror)
	cmd.Flags().BoolVar(&o.json, "json", false, "as JSON")
	o.state.addFlags(cmd)
	return cmd
}

func runPlan(ctx context.Context, o planOptions, s streams) error {
	graph, err := loadGraph(o.target)
	if err != nil {
		return err
	}
	p, err := planOf(ctx, graph, o)
	if err != nil {
		return err
	}
	if o.json {
		if p.noBase {
			fmt.Fprintln(s.err, noBaseYet)
		}
		return json.NewEncoder(s.out).Encode(p.stages)
	}
	return p.write(s.out, s.err)
}

// planOf holds the state directory while it looks what a build would do.
func planOf(ctx context.Context, graph stages.Graph, o planOptions) (_ plan, err error) {
	state, err := o.state.open("plan")
	if err != nil {
		return plan{}, err
	}
	defer closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return plan{}, err
	}
	base, found, err := findBase(layout, o.base, o.mirror.archive)
	if err != nil {
		return plan{}, err
	}
	p := planner{graph: graph, state: state, layout: layout}
	if found {
		p.outputs = graph.LLB(stages.Inputs{Store: sourceStore, Base: baseState(base)})
		p.now = graph.Ingredients(base.String())
	}
	list, err := p.plan(ctx)
	return plan{list, !found}, err
}

// plan is what a build would do.
type plan struct {
	stages []plannedStage
	noBase bool // a build makes one first
}

const noBaseYet = "no base yet: a build makes it first"

// action is what a build does with a stage.
type action string

const (
	actionCached  action = "cached"
	actionCollect action = "collect" // what was built is sorted again
	actionBuild   action = "build"
)

// plannedStage is what a build would do with one stage.
type plannedStage struct {
	Kind    stages.Kind    `json:"kind"`
	Name    string         `json:"name"`
	Version string         `json:"version"`
	Action  action         `json:"action"`
	Causes  []stages.Cause `json:"causes,omitempty"`
	Seconds float64        `json:"seconds,omitempty"` // that it took before; 0: not known
}

// idle says that there is nothing to build.
func (p plan) idle() bool {
	for _, s := range p.stages {
		if s.Action != actionCached {
			return false
		}
	}
	return !p.noBase
}

// write shows the stages on out, as a table with its sum, and what else there
// is to know on notes.
func (p plan) write(out, notes io.Writer) error {
	if p.noBase {
		fmt.Fprintln(notes, noBaseYet)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range p.stages {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Kind, s.Name, s.Version, s)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", p.sum())
	return err
}

// sum counts the stages and adds up what they took before.
func (p plan) sum() string {
	count := map[action]int{}
	var seconds float64
	unknown := 0
	for _, s := range p.stages {
		count[s.Action]++
		switch {
		case s.Action == actionCached:
		case s.Seconds == 0:
			unknown++
		default:
			seconds += s.Seconds
		}
	}
	text := fmt.Sprintf("%d to build, %d to collect, %d cached", count[actionBuild], count[actionCollect], count[actionCached])
	switch {
	case seconds > 0 && unknown > 0:
		return fmt.Sprintf("%s; about %s of steps, and %d of unknown time", text, span(seconds), unknown)
	case seconds > 0:
		return fmt.Sprintf("%s; about %s of steps", text, span(seconds))
	}
	return text
}

// String says what becomes of the stage, why, and how long it took before.
func (s plannedStage) String() string {
	switch {
	case s.Action != actionCached && s.Seconds > 0:
		return fmt.Sprintf("%s (about %s): %s", s.Action, span(s.Seconds), reasons(s.Causes))
	case s.Action != actionCached:
		return fmt.Sprintf("%s: %s", s.Action, reasons(s.Causes))
	case s.Seconds > 0:
		return fmt.Sprintf("cached (built in %s)", span(s.Seconds))
	}
	return string(s.Action) // all that is known is a later run that found it so
}

// reasons tells the causes. Those of stages that the toolchain binds are one:
// nearly every package is built with all of them.
func reasons(causes []stages.Cause) string {
	var list []string
	toolchain := false
	for _, c := range causes {
		if c.Kind == stages.CauseToolchain {
			if toolchain {
				continue
			}
			toolchain, c.Name = true, ""
		}
		list = append(list, c.String())
	}
	return strings.Join(list, ", ")
}

// span writes seconds as a person says them.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return d.Round(time.Second).String()
}
