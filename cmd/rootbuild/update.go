package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/spf13/cobra"
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

// updateOptions are the flags of update.
type updateOptions struct {
	target string
	survey distfiles.SurveyOptions
	json   bool
}

func newUpdate(s streams) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:   "update --target TARGET",
		Short: "tell which sources have newer releases, and which are gone",
		Long:  updateHelp,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUpdate(cmd.Context(), o, s)
		},
	}
	addTarget(cmd, &o.target)
	f := cmd.Flags()
	f.StringVar(&o.survey.Mirror, "mirror", "", "base URL of a Debian archive, instead of the host's apt configuration")
	f.StringArrayVar(&o.survey.Suites, "suite", nil, "suite of Debian whose releases are looked at (default unstable); may be given again")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func runUpdate(ctx context.Context, o updateOptions, s streams) error {
	graph, err := loadGraph(o.target)
	if err != nil {
		return err
	}
	if o.survey.Mirror != "" && !strings.Contains(o.survey.Mirror, ":/") {
		return usageError{fmt.Errorf("--mirror %q: want the base URL of a Debian archive; registries are not asked", o.survey.Mirror)}
	}
	list := builder.SourcesOf(graph)
	fmt.Fprintf(s.err, "asking for %d sources\n", len(list))
	findings, err := distfiles.Survey(ctx, list, o.survey)
	if err != nil {
		return err
	}
	if o.json {
		err = writeJSON(s.out, toldFindings(findings))
	} else {
		err = writeFindings(s.out, findings)
		tellPlaces(s.err, findings)
	}
	if err != nil {
		return err
	}
	return lost(findings)
}

// lost is the error of sources that no place is known to serve.
func lost(findings []distfiles.Finding) error {
	count := map[distfiles.Presence]int{}
	for _, f := range findings {
		count[f.State()]++
	}
	if count[distfiles.Gone]+count[distfiles.Unreachable] == 0 {
		return nil
	}
	return fmt.Errorf("of %d sources %d are gone, and %d could not be asked for: keep copies of your own (rootbuild fetch --export DIR, --push REF)",
		len(findings), count[distfiles.Gone], count[distfiles.Unreachable])
}

func writeFindings(w io.Writer, findings []distfiles.Finding) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SOURCE\tPINNED\tNEWEST\tWHERE\tSTATE")
	for _, f := range findings {
		newest := distfiles.Release{Version: "-", Where: "-"}
		if f.Newest != nil {
			newest = *f.Newest
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.Source, cmp.Or(f.Pinned, "-"), newest.Version, newest.Where, state(f))
	}
	return table.Flush()
}

// state tells the state of a source, and how many of its places made it so.
func state(f distfiles.Finding) string {
	n := 0
	for _, a := range f.Answers {
		if a.State == f.State() {
			n++
		}
	}
	return fmt.Sprintf("%s (%d of %d)", f.State(), n, len(f.Answers))
}

// tellPlaces names what is gone, and who could not be asked, by host.
func tellPlaces(w io.Writer, findings []distfiles.Finding) {
	silent := map[string][]distfiles.Answer{}
	for _, f := range findings {
		for _, a := range f.Answers {
			switch a.State {
			case distfiles.Gone:
				fmt.Fprintf(w, "%s is gone: %s\n", f.Source, a.Where)
			case distfiles.Unreachable:
				silent[host(a.Where)] = append(silent[host(a.Where)], a)
			}
		}
		for _, a := range f.Unknown {
			silent[host(a.Where)] = append(silent[host(a.Where)], a)
		}
	}
	for _, h := range slices.Sorted(maps.Keys(silent)) {
		fmt.Fprintf(w, "%s could not be asked (%d times): %s: %v\n", h, len(silent[h]), silent[h][0].Where, silent[h][0].Err)
	}
}

func host(where string) string {
	u, err := url.Parse(where)
	if err != nil || u.Host == "" {
		return where
	}
	return u.Host
}

// toldFinding is a finding as JSON tells it.
type toldFinding struct {
	Source  string             `json:"source"`
	SHA256  string             `json:"sha256"`
	Pinned  string             `json:"pinned,omitempty"`
	State   distfiles.Presence `json:"state"`
	Newest  string             `json:"newest,omitempty"`
	Where   string             `json:"where,omitempty"`   // that has the newest
	Origins []toldAnswer       `json:"origins"`           // what they say of the pinned file
	Unknown []toldAnswer       `json:"unknown,omitempty"` // who could not be asked for releases
}

type toldAnswer struct {
	Where string             `json:"where"`
	State distfiles.Presence `json:"state"`
	Error string             `json:"error,omitempty"`
}

func toldFindings(findings []distfiles.Finding) []toldFinding {
	list := []toldFinding{}
	for _, f := range findings {
		told := toldFinding{Source: f.Source, SHA256: f.SHA256, Pinned: f.Pinned, State: f.State(),
			Origins: toldAnswers(f.Answers), Unknown: toldAnswers(f.Unknown)}
		if f.Newest != nil {
			told.Newest, told.Where = f.Newest.Version, f.Newest.Where
		}
		list = append(list, told)
	}
	return list
}

func toldAnswers(answers []distfiles.Answer) []toldAnswer {
	list := []toldAnswer{}
	for _, a := range answers {
		told := toldAnswer{Where: a.Where, State: a.State}
		if a.Err != nil {
			told.Error = a.Err.Error()
		}
		list = append(list, told)
	}
	return list
}
