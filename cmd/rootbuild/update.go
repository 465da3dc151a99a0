package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/sources"
)

const updateHelp = `update asks the archives of a target's sources what they have: whether the pinned
file is still there, and whether there is a newer release beside it. It changes
nothing, and downloads no source.

Releases are looked for in the Debian archives that the host's apt is configured
for (or --mirror), and where the directory or the tags beside an https origin can
be listed. A place that does not answer, or with a fault of its own, is
unreachable, not gone.

Exit codes: 0 each pinned source is served by one of its origins, whether there
are newer ones or not; 1 some are gone, or nobody could be asked.`

type updateVerb struct {
	target string
	survey distfiles.SurveyOptions
	json   bool
}

func (v *updateVerb) addFlags(cmd *cobra.Command) {
	addTarget(cmd, &v.target)
	f := cmd.Flags()
	f.StringVar(&v.survey.Mirror, "mirror", "", "base `URL` of a Debian archive, instead of the host's apt configuration")
	f.StringArrayVar(&v.survey.Suites, "suite", nil, "`suite` of Debian whose releases are looked at (default unstable); may be given again")
	f.BoolVar(&v.json, "json", false, "print JSON")
}

func (v *updateVerb) run(ctx context.Context, _ []string, s streams) error {
	graph, err := loadGraph(v.target)
	if err != nil {
		return err
	}
	if v.survey.Mirror != "" && !strings.Contains(v.survey.Mirror, ":/") {
		return usageError{fmt.Errorf("--mirror %q: want the base URL of a Debian archive; registries are not asked", v.survey.Mirror)}
	}
	list := sources.Of(graph)
	fmt.Fprintf(s.err, "asking for %d sources\n", len(list))
	findings, err := distfiles.Survey(ctx, list, v.survey)
	if err != nil {
		return err
	}
	if err := s.tell(findings, v.json); err != nil {
		return err
	}
	if !v.json {
		findings.WritePlaces(s.err)
	}
	return findings.Err()
}
