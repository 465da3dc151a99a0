package provenance

import (
	"context"
	"fmt"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	packageurl "github.com/package-url/packageurl-go"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
)

// How the result of a stage came, as provenance tells it.
const (
	madeBuilt     = "built"     // in this run
	madeCollected = "collected" // in this run, out of what an earlier one compiled
	madeTaken     = "taken"     // from elsewhere
	madeReused    = "reused"    // nothing of it ran: nothing is claimed
)

// dependencies are what the image was built of, by digest.
func (r Run) dependencies(ctx context.Context, base v1.Hash) ([]*intoto.ResourceDescriptor, error) {
	made, taken, err := r.origins(ctx, base)
	if err != nil {
		return nil, err
	}
	list, err := r.Graph.Materials(made)
	if err != nil {
		return nil, err
	}
	if base != (v1.Hash{}) && !r.fromElsewhere(taken) {
		list = slices.Insert(list, 0, &intoto.ResourceDescriptor{Name: "base", Digest: map[string]string{base.Algorithm: base.Hex}})
	}
	for _, recipe := range r.Graph.Stages {
		if t, ok := taken[recipe.Name]; ok {
			d, err := describeTaken(t.Package)
			if err != nil {
				return nil, err
			}
			list = append(list, d)
		}
	}
	return list, nil
}

// origins tells of each stage how its result came, and the packages that were taken, by
// the names of their stages. A package was taken if this run, or one before, took it and
// no step of it was known to be done before this run.
func (r Run) origins(ctx context.Context, base v1.Hash) (map[string]string, map[string]records.Taken, error) {
	if r.Built != nil {
		r.Outputs = r.Graph.LLB(definition.Inputs(base))
	}
	keys := r.Graph.Keys()
	made, all := map[string]string{}, map[string]records.Taken{}
	for _, recipe := range r.Graph.Stages {
		how, err := r.ranHere(ctx, recipe.Name)
		if err != nil {
			return nil, nil, err
		}
		t, err := r.tookIt(ctx, recipe.Name, keys[recipe.Name], how != "")
		if err != nil {
			return nil, nil, err
		}
		if t.Found {
			all[recipe.Name] = t
		}
		switch {
		case how != "":
			made[recipe.Name] = how
		case t.Found:
			made[recipe.Name] = madeTaken
		default:
			made[recipe.Name] = madeReused
		}
	}
	return made, all, nil
}

// ranHere says what was done for a stage in this run; "" if nothing, as for one that was
// taken: its outputs are sources, not steps.
func (r Run) ranHere(ctx context.Context, name string) (string, error) {
	out, ok := r.Built[name]
	if !ok || r.Taken[name].Found {
		return "", nil
	}
	built, err := r.Witness.saw(ctx, name, out.Build)
	if built || err != nil {
		return madeBuilt, err
	}
	collected, err := r.Witness.saw(ctx, name, out.Root)
	if collected {
		return madeCollected, err
	}
	return "", err
}

// tookIt returns the package of a stage that has a part in the image, if it was taken.
func (r Run) tookIt(ctx context.Context, name, key string, ran bool) (records.Taken, error) {
	if t := r.Taken[name]; t.Found {
		return t, nil
	}
	var t records.Taken
	found, err := r.State.Kept(state.KindTaken, key, &t)
	if !found || err != nil {
		return records.Taken{}, err
	}
	known, err := r.Look(ctx, name)
	if err != nil {
		return records.Taken{}, err
	}
	t.Found = ran || known.Build.Completed.IsZero() && known.Collect.Completed.IsZero()
	return t, nil
}

// describeTaken names a package with where it came from, and who vouched for it.
func describeTaken(p packages.Package) (*intoto.ResourceDescriptor, error) {
	image := p.Images[packages.Root]
	signed := []any{}
	for i, name := range p.Signed {
		by := map[string]any{"name": name}
		if i < len(p.SignedIDs) {
			by["keyid"] = p.SignedIDs[i]
		}
		signed = append(signed, by)
	}
	annotations, err := structpb.NewStruct(map[string]any{"key": p.Key, "version": p.Version, "place": p.From, "signedBy": signed})
	if err != nil {
		return nil, fmt.Errorf("describing package %s: %w", p.Name, err)
	}
	d := &intoto.ResourceDescriptor{Name: "package " + p.Name, Digest: map[string]string{image.Algorithm: image.Hex}, Annotations: annotations}
	if place, err := packages.ParsePlace(p.From); err == nil && place.Registry() {
		d.Uri = packageurl.NewPackageURL(packageurl.TypeOCI, "", path.Base(p.From), image.String(),
			packageurl.QualifiersFromMap(map[string]string{"repository_url": p.From}), "").ToString()
	}
	return d, nil
}
