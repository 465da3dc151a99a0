package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
)

type updateVerb struct {
	target flags.Target
	survey distfiles.SurveyOptions
	json   bool
}

func (v *updateVerb) AddFlags(cmd *cobra.Command) {
	v.target.AddFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&v.survey.Mirror, "mirror", "", "base `URL` of a Debian archive, instead of the host's apt configuration")
	f.StringArrayVar(&v.survey.Suites, "suite", nil, "`suite` of Debian whose releases are looked at (default unstable); may be given again")
	f.BoolVar(&v.json, "json", false, "print JSON")
}

func (v *updateVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	graph, err := v.target.Graph()
	if err != nil {
		return err
	}
	if v.survey.Mirror != "" && !strings.Contains(v.survey.Mirror, ":/") {
		return cli.UsageErrorf("--mirror %q: want the base URL of a Debian archive; registries are not asked", v.survey.Mirror)
	}
	list := sources.Of(graph)
	fmt.Fprintf(s.Err, "asking for %d sources\n", len(list))
	findings, err := distfiles.Survey(ctx, list, v.survey)
	if err != nil {
		return err
	}
	if err := s.Tell(findings, v.json); err != nil {
		return err
	}
	if !v.json {
		findings.WritePlaces(s.Err)
	}
	return findings.Err()
}
