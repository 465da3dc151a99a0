package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/prune"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/nfsroot/deploy"
	"github.com/rootbuild/rootbuild/stages"
)

type pruneVerb struct {
	targets  []string
	nfsroot  string
	keep     int
	grace    cli.Days
	maxCache cli.Size
	builder  engine.Builder
	state    flags.State
	yes      bool
	json     bool
}

func (v *pruneVerb) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	v.grace = cli.Days(30 * cli.Day)
	f.StringArrayVarP(&v.targets, "target", "t", nil, "`target` that stays, beside the embedded ones: a YAML file; may be given again")
	f.IntVar(&v.keep, "keep", 2, "`number` of images of each target that stay, the newest")
	f.Var(&v.grace, "grace", "how long another target stays after it was built, and what no target names after it came")
	f.Var(&v.maxCache, "max-cache", "have BuildKit drop from its cache what was used least recently, down to this `size`, such as 10GiB")
	flags.AddNFSRoot(cmd, &v.nfsroot)
	flags.AddRunc(cmd, &v.builder.Runc)
	v.state.AddFlags(cmd)
	f.BoolVar(&v.yes, "yes", false, "do it")
	f.BoolVar(&v.json, "json", false, "as JSON")
}

func (v *pruneVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	options, err := v.options()
	if err != nil {
		return err
	}
	pruned, err := v.prune(ctx, options)
	if err != nil {
		return err
	}
	if !v.json {
		for _, note := range pruned.Notes {
			s.Note(note)
		}
		if !v.yes {
			defer s.Note("nothing was changed; --yes does it")
		}
	}
	return s.Tell(pruned, v.json)
}

// prune holds the state directory, also to look: a build would change what is seen.
func (v *pruneVerb) prune(ctx context.Context, o prune.Options) (_ prune.Pruned, err error) {
	if err := state.Check(v.state.Dir); err != nil {
		return prune.Pruned{}, err
	}
	in, err := v.state.Open("prune")
	if err != nil {
		return prune.Pruned{}, err
	}
	defer cli.Closing(in, &err)
	in.Use(v.builder)
	return prune.Run(ctx, in, o)
}

// options reads what stays.
func (v *pruneVerb) options() (prune.Options, error) {
	o := prune.Options{Yes: v.yes, Keep: v.keep, Grace: time.Duration(v.grace), MaxCache: int64(v.maxCache)}
	if v.keep < 1 {
		return o, cli.UsageErrorf("--keep %d: of each target that stays, one image does at least", v.keep)
	}
	for _, target := range slices.Concat(images.Names(), v.targets) {
		graph, err := stages.LoadTarget(target)
		if err != nil {
			return o, cli.UsageError{Err: err}
		}
		o.Graphs = append(o.Graphs, graph)
	}
	var err error
	o.Roots, err = deploy.Images(v.nfsroot)
	return o, err
}
