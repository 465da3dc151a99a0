package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/plan"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/stages"
)

type planVerb struct {
	target   flags.Target
	make     flags.Make // of which a plan needs what decides what is built
	forecast flags.Forecast
	json     bool
}

func (v *planVerb) AddFlags(cmd *cobra.Command) {
	v.target.AddFlags(cmd)
	v.make.Base.AddFlags(cmd)
	v.make.Builders.AddFlags(cmd)
	v.make.Sources.Mirror.AddFlags(cmd)
	v.make.Packages.AddFlags(cmd)
	v.make.Registry.AddFlags(cmd)
	v.make.State.AddFlags(cmd)
	v.forecast.AddFlags(cmd)
	cmd.Flags().BoolVar(&v.json, "json", false, "as JSON")
}

func (v *planVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	graph, err := v.target.Graph()
	if err != nil {
		return err
	}
	p, err := v.plan(ctx, graph, s)
	if err != nil {
		return err
	}
	if v.forecast.Asked() {
		return v.forecast.Write(p, v.json, s)
	}
	if v.json {
		return json.NewEncoder(s.Out).Encode(p.Stages)
	}
	return p.WriteTable(s.Out)
}

// plan holds the state directory while it looks what a build would do.
func (v *planVerb) plan(ctx context.Context, graph stages.Graph, s cli.Streams) (p plan.Plan, err error) {
	builders, err := v.make.Builders.List()
	if err := errors.Join(v.make.Base.Check(), err, v.forecast.Check()); err != nil {
		return p, cli.UsageError{Err: err}
	}
	places, err := v.make.Places()
	if err != nil {
		return p, err
	}
	in, err := v.make.State.Open("plan")
	if err != nil {
		return p, err
	}
	defer cli.Closing(in, &err)
	in.Use(builders...)
	p, err = plan.Of(ctx, in, graph, plan.Options{Base: string(v.make.Base), Archive: v.make.Sources.Mirror.Archive, Packages: places})
	if err == nil && p.NoBase {
		s.Note("no base yet: a build makes it first")
	}
	return p, err
}
