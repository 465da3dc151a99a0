package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/history"
	buildreport "github.com/rootbuild/rootbuild/builder/report"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/flags"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

type reportVerb struct {
	target flags.Target
	output string
	state  flags.State
}

func (v *reportVerb) AddFlags(cmd *cobra.Command) {
	v.target.AddFlags(cmd)
	cmd.Flags().StringVarP(&v.output, "output", "o", "report.html", "`file` to write; - is standard output")
	v.state.AddFlags(cmd)
}

func (v *reportVerb) Run(ctx context.Context, _ []string, s cli.Streams) error {
	target, err := v.target.Load()
	if err != nil {
		return err
	}
	page, err := v.gather(ctx, target.Name)
	if err != nil {
		return err
	}
	page.Drawn = buildreport.Drawn{At: time.Now(), Rootbuild: cli.Version()}
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		return err
	}
	if v.output == "-" {
		_, err := s.File.Write(html.Bytes())
		return err
	}
	if err := renameio.WriteFile(v.output, html.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// gather holds the state directory while it reads what is known of a target.
func (v *reportVerb) gather(ctx context.Context, target string) (page buildreport.Page, err error) {
	in, err := v.state.Open("report")
	if err != nil {
		return page, err
	}
	defer cli.Closing(in, &err)
	if page, err = history.Page(ctx, in, target); err != nil {
		return page, err
	}
	booted, found, err := boot.LastOf(v.state.Boots(), page.Image)
	if found {
		page.Boot = bootOf(booted)
	}
	return page, err
}

// bootOf is a boot as the page tells it.
func bootOf(r boot.Record) *buildreport.Boot {
	b := &buildreport.Boot{At: r.At, Accel: r.Report.Accel, Passed: r.Report.Passed}
	for _, c := range r.Report.Checks {
		b.Checks = append(b.Checks, buildreport.Check{Name: c.Check, Verdict: string(c.Verdict), Failed: c.Verdict == boot.Failed, Seconds: c.Seconds, Detail: c.Detail})
	}
	for _, p := range r.Report.Phases {
		b.Phases = append(b.Phases, buildreport.Phase(p))
	}
	return b
}
