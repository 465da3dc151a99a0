package nfsroot

import (
	"context"
	"fmt"
	"slices"
)

// Check compares the tree of a root with what its image says, every file with
// its content, and returns what differs, by name. The image itself is not
// needed: its inventory was kept at unpack. A root that has none is an error
// that wraps [ErrNoInventory], and a tag that the store does not have one that
// wraps [ErrNoRoot].
func (v *View) Check(ctx context.Context, tag string) ([]Difference, error) {
	found, err := v.check(ctx, tag)
	if err != nil {
		return nil, fmt.Errorf("checking root %s of nfsroot %s: %w", tag, v.dir, err)
	}
	return found, nil
}

func (v *View) check(ctx context.Context, tag string) ([]Difference, error) {
	root, err := v.find(tag)
	if err != nil {
		return nil, err
	}
	want, err := v.inventory(root)
	if err != nil {
		return nil, err
	}
	if want.Digest != root.Digest {
		return nil, fmt.Errorf("its inventory is that of image %s, its record says %s", want.Digest, root.Digest)
	}
	have, err := scan(ctx, v.Path(tag), want.nodes)
	if err != nil {
		return nil, err
	}
	return compareTrees(want.nodes, have), nil
}

// compareTrees returns what differs, by name.
func compareTrees(want, have []Node) []Difference {
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
type nodePair struct{ want, have *Node }

// pair walks two trees by name.
func pair(want, have []Node) []nodePair {
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

// find returns a root by its tag, or an error that wraps [ErrNoRoot].
func (v *View) find(tag string) (Root, error) {
	roots, err := v.List()
	if err != nil {
		return Root{}, err
	}
	i := slices.IndexFunc(roots, func(r Root) bool { return r.Tag == tag })
	if i < 0 {
		return Root{}, noRoot(roots)
	}
	return roots[i], nil
}
