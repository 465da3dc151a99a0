// Package provenance tells how an image was built, as SLSA has it: of what, by whom, and
// what of it one run saw.
package provenance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
	"github.com/rootbuild/rootbuild/stages"
)

const (
	// Type is the type of an attachment that says how an image was built: an
	// in-toto statement that nobody signed.
	Type = "application/vnd.in-toto+json"
	// buildType is the URI of how the parameters and the dependencies of provenance are
	// to be read, which docs/sbom.md defines.
	buildType = "https://rootbuild.example.org/build/v1"
	// DefaultBuilderID is the URI of a host that runs rootbuild. Which one it is, the
	// key says that signs.
	DefaultBuilderID = "https://rootbuild.example.org/builder/v1"
)

// predicateAnnotation is how lists of attachments tell what a statement says.
const predicateAnnotation = "in-toto.io/predicate-type"

// own is the record of what a build of the state said of its image.
type own struct{ Statement string }

// Of returns what looks up the statement of an image that a build wrote in the
// state directory dir: nil if none did. What came with a pull is not among them.
func Of(dir string) func(image v1.Hash) ([]byte, error) {
	return func(image v1.Hash) ([]byte, error) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		s, err := state.Unlocked(dir)
		if err != nil {
			return nil, fmt.Errorf("looking for provenance: %w", err)
		}
		var kept own
		found, err := s.Kept(state.KindProvenance, image.String(), &kept)
		if !found || err != nil {
			return nil, err
		}
		return []byte(kept.Statement), nil
	}
}

// Run is the run of a build that made an image.
type Run struct {
	records.Stages
	// Built are the outputs of the stages as this run built them, which may be on what
	// was taken; nil where it had no base.
	Built map[string]stages.Outputs
	// Taken are the packages that it took, by the names of their stages.
	Taken map[string]records.Taken
	// Version is that of the program, and BuilderID the URI of who builds, by default
	// DefaultBuilderID.
	Version, BuilderID string
	// Witness saw its steps.
	Witness *Witness
}

// Attach puts beside an image how it was built. The statement of the first
// build in the state stays: later ones only find its results.
func (r Run) Attach(ctx context.Context, image, base v1.Hash) error {
	var kept own
	found, err := r.State.Kept(state.KindProvenance, image.String(), &kept)
	if err != nil {
		return err
	}
	if !found {
		p, err := r.provenance(ctx, base)
		if err != nil {
			return fmt.Errorf("writing provenance of %s: %w", image, err)
		}
		text, err := trust.EncodeProvenance(image, p)
		if err != nil {
			return err
		}
		kept.Statement = string(text)
		if err := r.State.Keep(state.KindProvenance, image.String(), kept); err != nil {
			return err
		}
	}
	_, err = r.Layout.Attach(image, oci.Attachment{
		Type:        Type,
		Annotations: map[string]string{predicateAnnotation: trust.ProvenancePredicate},
		Blobs:       []oci.AttachedBlob{{MediaType: Type, Title: r.Graph.Target.Name + ".provenance.json", Data: []byte(kept.Statement)}},
	})
	return err
}

// provenance is what SLSA 1.0 calls so: what was asked for, what it was built of, and by
// whom.
func (r Run) provenance(ctx context.Context, base v1.Hash) (*slsa.Provenance, error) {
	finished := time.Now()
	external, err := structpb.NewStruct(r.asked())
	if err != nil {
		return nil, err
	}
	internal, err := structpb.NewStruct(r.ownParameters())
	if err != nil {
		return nil, err
	}
	dependencies, err := r.dependencies(ctx, base)
	if err != nil {
		return nil, err
	}
	return &slsa.Provenance{
		BuildDefinition: &slsa.BuildDefinition{
			BuildType: buildType, ExternalParameters: external, InternalParameters: internal, ResolvedDependencies: dependencies,
		},
		RunDetails: &slsa.RunDetails{
			Builder: &slsa.Builder{Id: cmp.Or(r.BuilderID, DefaultBuilderID), Version: r.versions()},
			Metadata: &slsa.BuildMetadata{
				InvocationId: r.Witness.invocation,
				StartedOn:    timestamppb.New(r.Witness.started.Truncate(time.Second)), FinishedOn: timestamppb.New(finished.Truncate(time.Second)),
			},
		},
	}, nil
}

// asked is what the user decides: the target. All of it is among the dependencies, by
// digest.
func (r Run) asked() map[string]any {
	t := r.Graph.Target
	packages := []any{}
	for _, name := range t.Packages {
		packages = append(packages, name)
	}
	return map[string]any{
		"target": t.Name, "packages": packages, "libc": t.Libc, "platform": t.Platforms[0], "epoch": t.Epoch.UTC().Format(time.RFC3339),
	}
}

// ownParameters are what rootbuild adds: its programs, and the engine if one ran.
func (r Run) ownParameters() map[string]any {
	own := map[string]any{"programs": r.Graph.Programs()}
	for _, about := range r.Witness.about { // of one kind and platform
		own["engine"], own["enginePlatform"] = about.Kind, about.Platform
	}
	return own
}

// versions are those of the programs that had a part in the run.
func (r Run) versions() map[string]string {
	v := map[string]string{"rootbuild": r.Version, "go": runtime.Version(), "buildkit": engine.Version()}
	for _, about := range r.Witness.about {
		if before := v[about.Kind]; before != "" {
			v[about.Kind] = before + ", " + about.Version
		} else if about.Version != "" {
			v[about.Kind] = about.Version
		}
	}
	return v
}

// fromElsewhere says whether all packages of the image were taken, so that no base had a
// part in it.
func (r Run) fromElsewhere(taken map[string]records.Taken) bool {
	return !slices.ContainsFunc(r.Graph.Contents(), func(name string) bool { return !taken[name].Found })
}
