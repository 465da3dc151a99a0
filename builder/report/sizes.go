package report

import (
	"cmp"
	"slices"
	"strings"
)

// sizes are the layers of the image, the largest first.
func (p Page) sizes() []bar {
	layers := slices.SortedStableFunc(slices.Values(p.Layers), func(a, b Layer) int {
		return cmp.Or(cmp.Compare(b.Unpacked, a.Unpacked), strings.Compare(a.Package, b.Package))
	})
	most := int64(0)
	for _, l := range layers {
		most = max(most, l.Unpacked, l.Size)
	}
	known := p.byName()
	var list []bar
	for _, l := range layers {
		b := bar{Name: l.Package, Note: l.Version, Value: weight(l.Unpacked) + " / " + weight(l.Size)}
		if l.Own {
			b.Name, b.Note = "target "+b.Name, "its own files"
		}
		if _, ok := known[l.Package]; ok && !l.Own {
			b.Link = "#stage-" + l.Package
		}
		b.Parts = []rect{
			{X: "0%", Width: percent(float64(l.Unpacked), float64(most)), Class: "unpacked", Title: count(l.Files, "file", "files") + ", " + weight(l.Unpacked)},
			{X: "0%", Width: percent(float64(l.Size), float64(most)), Class: "packed", Title: weight(l.Size) + " compressed"},
		}
		list = append(list, b)
	}
	return list
}

// largest are the largest files of the image.
func (p Page) largest() []bar {
	most := int64(0)
	for _, f := range p.Files {
		most = max(most, f.Size)
	}
	var list []bar
	for _, f := range p.Files {
		b := bar{Name: plain(f.Path), Note: f.Package, Value: weight(f.Size)}
		b.Parts = []rect{{X: "0%", Width: percent(float64(f.Size), float64(most)), Class: "unpacked", Title: weight(f.Size)}}
		list = append(list, b)
	}
	return list
}
