// Package history tells what a state knows of the image of a target, and of the build that
// made it, as the values of a report.
package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/attach"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/report"
	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// NeverBuiltError is of a target that the state has no image of.
type NeverBuiltError struct{ Target, State string }

func (e *NeverBuiltError) Error() string {
	return fmt.Sprintf("target %s was never built in %s: build it with rootbuild --target, or name the directory where it was with --state", e.Target, e.State)
}

// Page gathers what the state knows of the image of a target and of the build that
// made it: of what that was made of, not of what the recipes are by now. It builds
// nothing.
func Page(ctx context.Context, in *state.State, target string) (report.Page, error) {
	layout, err := oci.OpenLayout(in.Images())
	if err != nil {
		return report.Page{}, err
	}
	image, found, err := layout.Named(target)
	if err != nil {
		return report.Page{}, err
	}
	if !found {
		return report.Page{}, &NeverBuiltError{target, in.Dir()}
	}
	r := reporter{state: in, layout: layout, image: image}
	page, err := r.page(ctx)
	if err != nil {
		return page, fmt.Errorf("reading what is known of %s@%s: %w", target, image, err)
	}
	return page, nil
}

// reporter gathers a report.
type reporter struct {
	state  *state.State
	layout *oci.Layout
	image  v1.Hash
	graph  stages.Graph
	made   stages.Made
	last   *records.Built // nil: no record of it

	// As the graph is by now on the base of the build; nil where that is not known.
	outputs map[string]stages.Outputs
	now     map[string]stages.Ingredients
}

func (r *reporter) page(ctx context.Context) (p report.Page, err error) {
	if err := errors.Join(r.readGraph(), r.readBuild()); err != nil {
		return p, err
	}
	t := r.graph.Target
	p = report.Page{
		Target: t.Name, Description: t.Description, Epoch: t.Epoch, Image: r.image.String(),
		Base: r.base(), Rootbuild: r.made.Rootbuild, Toolchain: toolchainOf(r.graph), Sources: countSources(r.graph),
	}
	if p.Stages, err = r.stages(ctx); err != nil {
		return p, err
	}
	if p.Layers, p.Files, err = r.contents(ctx); err != nil {
		return p, err
	}
	if r.last != nil {
		p.Build = &report.Build{Started: r.last.Started, Completed: r.last.Completed, Run: r.last.Run}
		p.Previous = r.previous()
	}
	return p, nil
}

// readGraph reads of what the image was built.
func (r *reporter) readGraph() (err error) {
	dir, err := os.MkdirTemp("", "rootbuild-report-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r.graph, r.made, err = attach.ReadBlueprint(r.layout, r.image, filepath.Join(dir, "blueprint"))
	if errors.Is(err, attach.ErrNoBlueprint) {
		err = fmt.Errorf("%w: build the target again, and it has one", err)
	}
	return err
}

// readBuild reads the record of the build, if it was that of the image.
func (r *reporter) readBuild() error {
	var last records.Built
	known, err := r.state.Kept(state.KindBuilt, r.graph.Target.Name, &last)
	if known && last.Image == r.image.String() {
		r.last = &last
	}
	return err
}

// base is the digest of what the stages were last built in, "" where that is not known.
func (r *reporter) base() string {
	if r.last != nil && r.last.Base != "" {
		return r.last.Base
	}
	if h, err := v1.NewHash(r.made.Base); err == nil {
		return h.String()
	}
	return ""
}

func toolchainOf(g stages.Graph) report.Toolchain {
	t := report.Toolchain{Name: g.Toolchain.Name, Version: g.Toolchain.Version}
	for _, r := range g.Stages {
		if g.Bound(r.Name) {
			t.Binds = append(t.Binds, r.Name)
		}
	}
	return t
}

func countSources(g stages.Graph) int {
	files := map[string]bool{}
	for _, s := range sources.Of(g) {
		files[s.SHA256] = true
	}
	return len(files)
}
