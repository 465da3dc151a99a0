package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/moby/buildkit/client/llb"
	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
	"github.com/spf13/cobra"
)

// planOptions are the flags of plan.
type planOptions struct {
	target string
	base   string
	mirror string
	json   bool
	state  stateOptions
}

func newPlan(s streams) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan --target TARGET",
		Short: "show each stage of a target: cached, or to build",
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

// plannedStage is what a build would do with a stage.
type plannedStage struct {
	Kind    stages.Kind `json:"kind"`
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Cached  bool        `json:"cached"`
	Seconds float64     `json:"seconds,omitempty"` // that it took when it was built
	After   []string    `json:"after,omitempty"`   // what it is built with and is to build too
}

func runPlan(ctx context.Context, o planOptions, s streams) (err error) {
	graph, err := loadGraph(o.target)
	if err != nil {
		return err
	}
	state, err := o.state.open("plan")
	if err != nil {
		return err
	}
	defer closing(state, &err)
	layout, err := oci.OpenLayout(state.Images())
	if err != nil {
		return err
	}
	digest, found, err := findBase(layout, o.base, o.mirror)
	if err != nil {
		return err
	}
	var outputs map[string]stages.Outputs
	if found {
		outputs = graph.LLB(stages.Inputs{Store: sourceStore, Base: baseState(digest)})
	} else {
		fmt.Fprintln(s.err, "no base yet: a build makes it first")
	}
	planned, err := planStages(ctx, state, graph, outputs)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(s.out).Encode(planned)
	}
	return writePlan(s.out, planned)
}

// planStages looks up each stage. Those without outputs are to build.
func planStages(ctx context.Context, state *builder.State, graph stages.Graph, outputs map[string]stages.Outputs) ([]plannedStage, error) {
	var list []plannedStage
	cached := map[string]bool{}
	for _, r := range graph.Stages {
		p := plannedStage{Kind: r.Kind, Name: r.Name, Version: r.Version}
		if out, ok := outputs[r.Name]; ok {
			_, done, err := stepOf(ctx, state, out.Root)
			if err != nil {
				return nil, err
			}
			build, _, err := stepOf(ctx, state, out.Build)
			if err != nil {
				return nil, err
			}
			p.Cached = done
			if !build.Cached {
				p.Seconds = build.Completed.Sub(build.Started).Seconds()
			}
		}
		cached[r.Name] = p.Cached
		for _, name := range graph.Dependencies(r.Name) {
			if !p.Cached && !cached[name] {
				p.After = append(p.After, name)
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// stepOf returns the record of the step that makes a state, and whether it was
// done.
func stepOf(ctx context.Context, state *builder.State, s llb.State) (builder.Step, bool, error) {
	def, err := s.Marshal(ctx)
	if err != nil {
		return builder.Step{}, false, fmt.Errorf("internal error: marshalling a stage: %w", err)
	}
	head, err := def.Head()
	if err != nil {
		return builder.Step{}, false, fmt.Errorf("internal error: marshalling a stage: %w", err)
	}
	return state.Step(head)
}

func writePlan(w io.Writer, planned []plannedStage) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range planned {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Kind, p.Name, p.Version, p)
	}
	return table.Flush()
}

// String says what becomes of the stage, and why.
func (p plannedStage) String() string {
	switch {
	case p.Cached && p.Seconds == 0:
		return "cached" // all that is known is a later run that found it so
	case p.Cached:
		return fmt.Sprintf("cached (built in %.1f s)", p.Seconds)
	case len(p.After) > 0:
		return "build, after " + strings.Join(p.After, " ")
	}
	return "build"
}
