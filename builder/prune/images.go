package prune

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
)

// holding is a manifest of the layout, and what becomes of it.
type holding struct {
	oci.Held
	kind   string
	target string     // of an image
	whole  []oci.Held // it, and all that is attached to it
	action Action     // nothing yet: nobody needs it
	why    string
}

// lookImages says which images stay, those first.
func (p *pruning) lookImages(ctx context.Context) ([]*holding, error) {
	list, err := p.layout.Held()
	if err != nil {
		return nil, err
	}
	all := p.holdings(list)
	if err := p.judgeTargets(all); err != nil {
		return nil, err
	}
	if err := p.judgeBases(all); err != nil {
		return nil, err
	}
	if err := p.needed.want(ctx); err != nil {
		return nil, err
	}
	if err := p.judgePackages(all); err != nil {
		return nil, err
	}
	for _, h := range all {
		if h.action == "" {
			h.action, h.why = Delete, cmp.Or(h.why, whyGone[h.kind])
		}
		for _, m := range h.whole {
			p.forget[m.Digest] = h.action == Delete
		}
	}
	maps.DeleteFunc(p.forget, func(_ v1.Hash, gone bool) bool { return !gone })
	slices.SortStableFunc(all, func(a, b *holding) int {
		return cmp.Or(cmp.Compare(b.action, a.action), cmp.Compare(a.target, b.target), newestFirst(a, b))
	})
	return all, nil
}

var whyGone = map[string]string{
	kindImage:   "its target is not embedded, not named, and was not built within the grace",
	kindBase:    "no target and no image that stays is built in it",
	kindPackage: "it was published, or no target takes it any more",
}

func (h *holding) keep(why string) {
	if h.action == Keep {
		why = h.why + "; " + why
	}
	h.action, h.why = Keep, why
}

// holdings puts manifests together with what is attached to them. What is attached to
// nothing that is there goes at once, as does a name of what is gone.
func (p *pruning) holdings(list []oci.Held) []*holding {
	attached := map[v1.Hash][]oci.Held{}
	var found []*holding
	for _, h := range list {
		switch m := h.Manifest; {
		case m == nil:
			p.forget[h.Digest] = true
		case m.Subject != nil:
			attached[m.Subject.Digest] = append(attached[m.Subject.Digest], h)
			p.forget[h.Digest] = true // unless what it is attached to stays
		default:
			found = append(found, newHolding(h))
		}
	}
	for _, h := range found {
		// What is attached may have something attached.
		for i := 0; i < len(h.whole); i++ {
			h.whole = append(h.whole, attached[h.whole[i].Digest]...)
			delete(attached, h.whole[i].Digest)
		}
	}
	return found
}

func newHolding(h oci.Held) *holding {
	n := &holding{Held: h, kind: kindBase, whole: []oci.Held{h}}
	title := h.Manifest.Annotations[ocispec.AnnotationTitle]
	switch {
	case packages.Is(h.Manifest):
		n.kind = kindPackage
	case title != "":
		n.kind, n.target = kindImage, title
	}
	return n
}

// judgeTargets keeps the newest images of each target that stays, and those of node
// roots.
func (p *pruning) judgeTargets(all []*holding) error {
	named := map[string]bool{}
	for _, g := range p.options.Graphs {
		named[g.Target.Name], p.needed.targets[g.Target.Name] = true, true
	}
	targets := map[string][]*holding{}
	for _, h := range all {
		if h.kind == kindImage {
			targets[h.target] = append(targets[h.target], h)
		}
	}
	for _, target := range slices.Sorted(maps.Keys(targets)) {
		images := targets[target]
		slices.SortStableFunc(images, newestFirst)
		last := slices.MaxFunc(images, func(a, b *holding) int { return a.Since.Compare(b.Since) }).Since
		if !named[target] && !p.young(last) {
			continue
		}
		p.needed.targets[target] = true
		for i, h := range images {
			switch {
			case i >= p.options.Keep:
				h.why = fmt.Sprintf("beyond --keep %d", p.options.Keep)
			case named[target]:
				h.keep(fmt.Sprintf("generation: %d of %d", i+1, p.options.Keep))
			default:
				h.keep(fmt.Sprintf("generation: %d of %d; grace: until %s", i+1, p.options.Keep, last.Add(p.options.Grace).Local().Format(time.DateTime)))
			}
		}
	}
	p.judgeRoots(all)
	return p.readKept(all, targets, named)
}

// newestFirst orders the images of a target. The one that has its name was built last.
func newestFirst(a, b *holding) int {
	if first, second := slices.Contains(a.Names, a.target), slices.Contains(b.Names, b.target); first != second {
		if first {
			return -1
		}
		return 1
	}
	return b.Since.Compare(a.Since)
}

// judgeRoots keeps what node roots were unpacked from: sbom, push and reproduce take
// their tags.
func (p *pruning) judgeRoots(all []*holding) {
	for _, tag := range slices.Sorted(maps.Keys(p.options.Roots)) {
		for _, h := range all {
			if h.Digest == p.options.Roots[tag] {
				h.keep("node root: " + tag)
			}
		}
	}
}

// readKept reads what the images that stay were built of. The newest of a target that
// nobody named says how the target stands.
func (p *pruning) readKept(all []*holding, targets map[string][]*holding, named map[string]bool) error {
	for _, h := range all {
		if h.action != Keep || h.kind != kindImage {
			continue
		}
		stands := p.needed.targets[h.target] && !named[h.target] && h == targets[h.target][0]
		if err := p.readBuilt(h.Digest, h.target, stands); err != nil {
			return err
		}
	}
	return nil
}

// judgeBases keeps those that the next builds are in, or a reproduce.
func (p *pruning) judgeBases(all []*holding) error {
	if err := p.findBases(); err != nil {
		return err
	}
	there := map[v1.Hash]bool{}
	for _, h := range all {
		if there[h.Digest] = p.needed.bases[h.Digest]; there[h.Digest] {
			h.kind = kindBase
			h.keep("targets are built in it")
		}
	}
	maps.DeleteFunc(p.needed.bases, func(h v1.Hash, _ bool) bool { return !there[h] })
	return nil
}

// judgePackages keeps those that were taken for targets: what is built with them next
// reads them.
func (p *pruning) judgePackages(all []*holding) error {
	wanted := map[v1.Hash]bool{}
	for name := range p.needed.taken {
		var t records.Taken
		if _, err := p.state.Read(state.KindTaken, recordKey(name), &t); err != nil {
			return err
		}
		for _, h := range t.Package.Images {
			wanted[h] = true
		}
	}
	for _, h := range all {
		if h.kind == kindPackage && wanted[h.Digest] {
			h.keep("targets take them")
		}
	}
	return nil
}
