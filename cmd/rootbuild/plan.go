package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rootbuild/rootbuild/builder"
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
	if !o.json {
		return writePlan(p, s.out, s.err)
	}
	if p.NoBase {
		s.note(noBaseYet)
	}
	return json.NewEncoder(s.out).Encode(p.Stages)
}

// planOf holds the state directory while it looks what a build would do.
func planOf(ctx context.Context, graph stages.Graph, o planOptions) (_ builder.Plan, err error) {
	if err := checkBase(o.base); err != nil {
		return builder.Plan{}, err
	}
	state, err := o.state.open("plan")
	if err != nil {
		return builder.Plan{}, err
	}
	defer closing(state, &err)
	return state.Plan(ctx, graph, builder.PlanOptions{Base: o.base, Archive: o.mirror.archive})
}

const noBaseYet = "no base yet: a build makes it first"

// writePlan shows the stages on out, as a table with its sum, and what else there
// is to know on notes.
func writePlan(p builder.Plan, out, notes io.Writer) error {
	if p.NoBase {
		fmt.Fprintln(notes, noBaseYet)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range p.Stages {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Kind, s.Name, s.Version, planned(s))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", planSum(p))
	return err
}

// planSum counts the stages and adds up what they took before.
func planSum(p builder.Plan) string {
	count := map[builder.Action]int{}
	var seconds float64
	unknown := 0
	for _, s := range p.Stages {
		count[s.Action]++
		switch {
		case s.Action == builder.ActionCached:
		case s.Seconds == 0:
			unknown++
		default:
			seconds += s.Seconds
		}
	}
	text := fmt.Sprintf("%d to build, %d to collect, %d cached", count[builder.ActionBuild], count[builder.ActionCollect], count[builder.ActionCached])
	switch {
	case seconds > 0 && unknown > 0:
		return fmt.Sprintf("%s; about %s of steps, and %d of unknown time", text, span(seconds), unknown)
	case seconds > 0:
		return fmt.Sprintf("%s; about %s of steps", text, span(seconds))
	}
	return text
}

// planned says what becomes of a stage, why, and how long it took before.
func planned(s builder.PlannedStage) string {
	switch {
	case s.Action != builder.ActionCached && s.Seconds > 0:
		return fmt.Sprintf("%s (about %s): %s", s.Action, span(s.Seconds), reasons(s.Causes))
	case s.Action != builder.ActionCached:
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
