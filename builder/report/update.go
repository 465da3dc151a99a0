package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// update is what leads from the target's previous image to this one.
type update struct {
	Text  string
	From  string // digest of the previous one; "": it is not known
	Moved []bar  // layers that a master has to fetch, the largest first
	Gone  []string
	Same  []string
	fetch int64
}

// update compares the layers by their digests: what a master has, it does not fetch.
func (p Page) update() update {
	if p.Previous == nil {
		return update{Text: "No earlier image of this target is known here, so there is nothing to compare with. A master that has none fetches all of it."}
	}
	u := update{From: p.Previous.Digest}
	before, had := map[string]Layer{}, map[string]bool{}
	for _, l := range p.Previous.Layers {
		before[l.Package], had[l.Digest] = l, true
	}
	var moved []Layer
	shared, now := int64(0), map[string]bool{}
	for _, l := range p.Layers {
		now[l.Package] = true
		if had[l.Digest] {
			u.Same = append(u.Same, l.Package)
			shared += l.Size
			continue
		}
		moved = append(moved, l)
		u.fetch += l.Size
	}
	for _, l := range p.Previous.Layers {
		if !now[l.Package] {
			u.Gone = append(u.Gone, strings.TrimSpace(l.Package+" "+l.Version))
		}
	}
	if len(moved) == 0 {
		u.Text = fmt.Sprintf("A node master that has the previous image fetches no layer: all %d are the same. It fetches the manifest, the config and what is attached.", len(u.Same))
		return u
	}
	u.Moved = movedBars(moved, before)
	u.Text = fmt.Sprintf("A node master that has the previous image fetches %s in %s. The other %d, of %s, it has. The manifest, the config and what is attached come on top.",
		weight(u.fetch), count(len(moved), "layer", "layers"), len(u.Same), weight(shared))
	return u
}

func movedBars(moved []Layer, before map[string]Layer) []bar {
	slices.SortStableFunc(moved, func(a, b Layer) int { return cmp.Compare(b.Size, a.Size) })
	var list []bar
	for _, l := range moved {
		b := bar{Name: l.Package, Value: weight(l.Size), Note: "new"}
		switch old, ok := before[l.Package]; {
		case l.Own:
			b.Name, b.Note = "target "+b.Name, "its own files"
		case ok && old.Version != l.Version:
			b.Note = old.Version + " to " + l.Version
		case ok:
			b.Note = l.Version + ", rebuilt"
		}
		b.Parts = []rect{{X: "0%", Width: percent(float64(l.Size), float64(moved[0].Size)), Class: "packed", Title: weight(l.Size)}}
		list = append(list, b)
	}
	return list
}

func (u update) tile(p Page) tile {
	if u.From == "" {
		return tile{"update", "not known", "no earlier image is known"}
	}
	return tile{"update", weight(u.fetch), fmt.Sprintf("%d of %s moved", len(u.Moved), count(len(p.Layers), "layer", "layers"))}
}
