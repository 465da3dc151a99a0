package builder

import (
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/compare"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Reproduced is what came of building an image again.
type Reproduced struct {
	Image       string               `json:"image"`
	Again       string               `json:"again,omitempty"` // digest of the image built again, or of the one with some packages; none where packages were compared with places
	Identical   bool                 `json:"identical"`
	Base        string               `json:"base"` // that it was built in
	Packages    []string             `json:"packages,omitempty"`
	Notes       []string             `json:"notes,omitempty"`
	Differences []compare.Difference `json:"differences"`
}

// firstDifferences are as many as a person reads.
const firstDifferences = 20

// WriteText writes the differences, the first or all, or that there are none, on out,
// and what else there is to know on notes.
func (r Reproduced) WriteText(out, notes io.Writer, all bool) error {
	for _, note := range r.Notes {
		fmt.Fprintln(notes, note)
	}
	if r.Identical {
		what := r.Image
		if len(r.Packages) > 0 {
			what = fmt.Sprintf("%d packages of %s", len(r.Packages), r.Image)
		}
		_, err := fmt.Fprintln(out, "identical:", what)
		return err
	}
	for i, d := range r.Differences {
		if i == firstDifferences && !all {
			fmt.Fprintf(notes, "%d more; --all tells them\n", len(r.Differences)-i)
			break
		}
		if _, err := fmt.Fprintln(out, d); err != nil {
			return err
		}
	}
	return nil
}

// Err is the error of an image that was built otherwise, or nil.
func (r Reproduced) Err() error {
	if n := len(r.Differences); n > 0 {
		return fmt.Errorf("reproducing %s: built again it is another image, in %d places", r.Image, n)
	}
	return nil
}

// compare returns the differences between the image and the one built again.
func (r *Reproduction) compare(digest, again v1.Hash, to *oci.Layout) ([]compare.Difference, error) {
	if digest == again {
		return nil, nil
	}
	a, err := r.layout.Image(digest)
	if err != nil {
		return nil, err
	}
	b, err := to.Image(again)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range r.options.Packages {
		names = append(names, "package "+p)
	}
	return compare.Images(a, b, names...)
}

// notes say in what the second build was not like the first one.
func (r *Reproduction) notes(of Subject, base v1.Hash) []string {
	notes := []string{fmt.Sprintf("sources: those in %s, read and checked again", r.state.Distfiles())}
	switch {
	case of.Made.Base == "":
		notes = append(notes, "base: "+base.String())
	case of.Made.Base == base.String():
		notes = append(notes, "base: the same, "+base.String())
	default:
		notes = append(notes, fmt.Sprintf("base: another one, %s, not %s", base, of.Made.Base))
	}
	if m := of.Made; m.Programs != "" && m.Programs != of.Graph.Programs() {
		notes = append(notes, fmt.Sprintf("rootbuild: %s, which has other programs for steps and services than %s, which built the image",
			r.options.maker(), m.Rootbuild))
	}
	return notes
}
