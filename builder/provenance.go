package builder

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
	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

const (
	// ProvenanceType is the type of an attachment that says how an image was built: an
	// in-toto statement that nobody signed.
	ProvenanceType = "application/vnd.in-toto+json"
	// buildType is the URI of how the parameters and the dependencies of provenance are
	// to be read, which docs/sbom.md defines.
	buildType = "https://rootbuild.example.org/build/v1"
	// DefaultBuilderID is the URI of a host that runs rootbuild. Which one it is, the
	// key says that signs.
	DefaultBuilderID = "https://rootbuild.example.org/builder/v1"
)

// predicateAnnotation is how lists of attachments tell what a statement says.
const predicateAnnotation = "in-toto.io/predicate-type"

const kindProvenance = "provenance"

// ownProvenance is the record of what a build of the state said of its image.
type ownProvenance struct{ Statement string }

// Provenance returns what looks up the statement of an image that a build wrote in the
// state directory dir: nil if none did. What came with a pull is not among them.
func Provenance(dir string) func(image v1.Hash) ([]byte, error) {
	return func(image v1.Hash) ([]byte, error) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err := checkState(dir); err != nil {
			return nil, fmt.Errorf("looking for provenance: %w", err)
		}
		var own ownProvenance
		found, err := (&State{dir: dir}).Kept(kindProvenance, image.String(), &own)
		if !found || err != nil {
			return nil, err
		}
		return []byte(own.Statement), nil
	}
}

// attachProvenance puts beside an image how it was built. The statement of the first
// build in the state stays: later ones only find its results.
func (s *supply) attachProvenance(ctx context.Context, image, base v1.Hash) error {
	var own ownProvenance
	found, err := s.state.Kept(kindProvenance, image.String(), &own)
	if err != nil {
		return err
	}
	if !found {
		p, err := s.provenance(ctx, base)
		if err != nil {
			return fmt.Errorf("writing provenance of %s: %w", image, err)
		}
		text, err := trust.EncodeProvenance(image, p)
		if err != nil {
			return err
		}
		own.Statement = string(text)
		if err := s.state.Keep(kindProvenance, image.String(), own); err != nil {
			return err
		}
	}
	_, err = s.layout.Attach(image, oci.Attachment{
		Type:        ProvenanceType,
		Annotations: map[string]string{predicateAnnotation: trust.ProvenancePredicate},
		Blobs:       []oci.AttachedBlob{{MediaType: ProvenanceType, Title: s.graph.Target.Name + ".provenance.json", Data: []byte(own.Statement)}},
	})
	return err
}

// provenance is what SLSA 1.0 calls so: what was asked for, what it was built of, and by
// whom.
func (s *supply) provenance(ctx context.Context, base v1.Hash) (*provenance.Provenance, error) {
	finished := time.Now()
	external, err := structpb.NewStruct(s.asked())
	if err != nil {
		return nil, err
	}
	internal, err := structpb.NewStruct(s.ownParameters())
	if err != nil {
		return nil, err
	}
	dependencies, err := s.dependencies(ctx, base)
	if err != nil {
		return nil, err
	}
	return &provenance.Provenance{
		BuildDefinition: &provenance.BuildDefinition{
			BuildType: buildType, ExternalParameters: external, InternalParameters: internal, ResolvedDependencies: dependencies,
		},
		RunDetails: &provenance.RunDetails{
			Builder: &provenance.Builder{Id: cmp.Or(s.options.BuilderID, DefaultBuilderID), Version: s.versions()},
			Metadata: &provenance.BuildMetadata{
				InvocationId: s.witness.invocation,
				StartedOn:    timestamppb.New(s.witness.started.Truncate(time.Second)), FinishedOn: timestamppb.New(finished.Truncate(time.Second)),
			},
		},
	}, nil
}

// asked is what the user decides: the target. All of it is among the dependencies, by
// digest.
func (s *supply) asked() map[string]any {
	t := s.graph.Target
	packages := []any{}
	for _, name := range t.Packages {
		packages = append(packages, name)
	}
	return map[string]any{
		"target": t.Name, "packages": packages, "libc": t.Libc, "platform": t.Platforms[0], "epoch": t.Epoch.UTC().Format(time.RFC3339),
	}
}

// ownParameters are what rootbuild adds: its programs, and the engine if one ran.
func (s *supply) ownParameters() map[string]any {
	own := map[string]any{"programs": s.graph.Programs()}
	for _, about := range s.witness.about { // of one kind and platform
		own["engine"], own["enginePlatform"] = about.Kind, about.Platform
	}
	return own
}

// versions are those of the programs that had a part in the run.
func (s *supply) versions() map[string]string {
	v := map[string]string{"rootbuild": s.options.Version, "go": runtime.Version(), "buildkit": engine.Version()}
	for _, about := range s.witness.about {
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
func (s *supply) fromElsewhere(taken map[string]taken) bool {
	return !slices.ContainsFunc(s.graph.Packages, func(name string) bool { return !taken[name].Found })
}
