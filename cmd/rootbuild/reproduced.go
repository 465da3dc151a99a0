package main

import (
	"fmt"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/compare"
)

// reproduced is the report of reproduce.
type reproduced struct {
	Image       string               `json:"image"`
	Again       string               `json:"again"` // digest of the image built again, or of the one with some packages
	Identical   bool                 `json:"identical"`
	Base        string               `json:"base"` // that it was built in
	Packages    []string             `json:"packages,omitempty"`
	Notes       []string             `json:"notes,omitempty"`
	Differences []compare.Difference `json:"differences"`
}

// firstDifferences are as many as a person reads.
const firstDifferences = 20

func (r reproduced) write(o reproduceOptions, s streams) error {
	if o.json {
		return writeJSON(s.out, r)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(s.err, note)
	}
	if r.Identical {
		what := r.Image
		if len(r.Packages) > 0 {
			what = fmt.Sprintf("%d packages of %s", len(r.Packages), r.Image)
		}
		_, err := fmt.Fprintln(s.out, "identical:", what)
		return err
	}
	for i, d := range r.Differences {
		if i == firstDifferences && !o.all {
			fmt.Fprintf(s.err, "%d more; --all tells them\n", len(r.Differences)-i)
			break
		}
		if _, err := fmt.Fprintln(s.out, d); err != nil {
			return err
		}
	}
	return nil
}

// notes say in what the second build was not like the first one.
func (r reproduction) notes(of subject, base v1.Hash) []string {
	notes := []string{fmt.Sprintf("sources: those in %s, read and checked again", r.state.Distfiles())}
	switch {
	case of.made.Base == "":
		notes = append(notes, "base: "+base.String())
	case of.made.Base == base.String():
		notes = append(notes, "base: the same, "+base.String())
	default:
		notes = append(notes, fmt.Sprintf("base: another one, %s, not %s", base, of.made.Base))
	}
	if m := of.made; m.Programs != "" && m.Programs != of.graph.Programs() {
		notes = append(notes, fmt.Sprintf("rootbuild: %s, which has other programs for steps and services than %s, which built the image",
			ownVersion()+" "+runtime.Version(), m.Rootbuild))
	}
	return notes
}
