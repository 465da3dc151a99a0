package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/stages"
)

type planVerb struct {
	target  string
	base    string
	builder builderOptions
	mirror  mirrors
	places  packageOptions
	remote  registryOptions
	json    bool
	state   stateOptions

	forecast forecastOptions
}

func (v *planVerb) AddFlags(cmd *cobra.Command) {
	addTarget(cmd, &v.target)
	addBase(cmd, &v.base)
	v.builder.AddFlags(cmd)
	addMirror(cmd, &v.mirror)
	v.places.AddFlags(cmd)
	v.remote.AddFlags(cmd)
	cmd.Flags().BoolVar(&v.json, "json", false, "as JSON")
	v.forecast.AddFlags(cmd)
	v.state.AddFlags(cmd)
}

func (v *planVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	graph, err := loadGraph(v.target)
	if err != nil {
		return err
	}
	p, err := v.plan(ctx, graph, s)
	if err != nil {
		return err
	}
	if len(v.forecast.builders) > 0 {
		return v.forecast.write(p, v.json, s)
	}
	if v.json {
		return json.NewEncoder(s.Out).Encode(p.Stages)
	}
	return p.WriteTable(s.Out)
}

// plan holds the state directory while it looks what a build would do.
func (v *planVerb) plan(ctx context.Context, graph stages.Graph, s cli.Streams) (p plan.Plan, err error) {
	builders, err := v.builder.builders()
	if err := errors.Join(checkBase(v.base), err, v.forecast.check()); err != nil {
		return p, cli.UsageError{Err: err}
	}
	places, err := v.places.places(v.remote)
	if err != nil {
		return p, err
	}
	in, err := v.state.open("plan")
	if err != nil {
		return p, err
	}
	defer cli.Closing(in, &err)
	in.Use(builders...)
	p, err = plan.Of(ctx, in, graph, plan.Options{Base: v.base, Archive: v.mirror.archive, Packages: places})
	if err == nil && p.NoBase {
		s.Note("no base yet: a build makes it first")
	}
	return p, err
}
