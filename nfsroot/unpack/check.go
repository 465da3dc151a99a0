package unpack

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// Difference is one thing that two trees do not share.
type Difference struct {
	Name Name   `json:"name"`
	What string `json:"what"` // missing, extra, or what of it differs
	Want string `json:"want,omitempty"`
	Have string `json:"have,omitempty"`
}

// String is a line for a person.
func (d Difference) String() string {
	switch {
	case d.Want == "" && d.Have == "":
		return fmt.Sprintf("%s: %s", d.Name, d.What)
	}
	return fmt.Sprintf("%s: %s is %s, want %s", d.Name, d.What, cmp.Or(d.Have, "none"), cmp.Or(d.Want, "none"))
}

// Check compares a tree with what its image says, every file with its content, and
// returns what differs, by name. A root that has no inventory is an error that wraps
// [ErrNoInventory].
func Check(ctx context.Context, r Root) ([]Difference, error) {
	want, err := r.inventory()
	if err != nil {
		return nil, err
	}
	if want.Digest != r.Image {
		return nil, fmt.Errorf("its inventory is that of image %s, its record says %s", want.Digest, r.Image)
	}
	have, err := scan(ctx, r.Dir, want.nodes)
	if err != nil {
		return nil, err
	}
	return compareTrees(want.nodes, have), nil
}

// compareTrees returns what differs, by name.
func compareTrees(want, have []node) []Difference {
	found := []Difference{}
	for _, p := range pair(want, have) {
		switch {
		case p.have == nil:
			found = append(found, Difference{Name: p.want.Name, What: "missing"})
		case p.want == nil:
			found = append(found, Difference{Name: p.have.Name, What: "extra"})
		default:
			found = append(found, differences(*p.want, *p.have)...)
		}
	}
	return found
}

// nodePair is one name in two trees; one of them may lack it.
type nodePair struct{ want, have *node }

// pair walks two trees by name.
func pair(want, have []node) []nodePair {
	var list []nodePair
	for len(want) > 0 || len(have) > 0 {
		switch {
		case len(have) == 0 || len(want) > 0 && want[0].Name < have[0].Name:
			list, want = append(list, nodePair{want: &want[0]}), want[1:]
		case len(want) == 0 || have[0].Name < want[0].Name:
			list, have = append(list, nodePair{have: &have[0]}), have[1:]
		default:
			list, want, have = append(list, nodePair{&want[0], &have[0]}), want[1:], have[1:]
		}
	}
	return list
}

// differences compares two nodes of one name.
func differences(want, have node) []Difference {
	if want.Type != have.Type {
		return []Difference{{want.Name, "type", want.Type, have.Type}}
	}
	var list []Difference
	others := have.aspects()
	for i, a := range want.aspects() {
		if b := others[i]; a.text != b.text {
			list = append(list, Difference{want.Name, a.what, a.text, b.text})
		}
	}
	for _, x := range sortedKeys(want.Xattrs, have.Xattrs) {
		a, b := hex.EncodeToString(want.Xattrs[x]), hex.EncodeToString(have.Xattrs[x])
		if a != b {
			list = append(list, Difference{want.Name, x, a, b})
		}
	}
	return list
}

// sortedKeys returns the keys of both maps.
func sortedKeys[K cmp.Ordered, V any](a, b map[K]V) []K {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
