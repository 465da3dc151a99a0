package nfsroot

import (
	"context"
	"fmt"
	"slices"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Check compares the tree of a root with what its image says, every file with
// its content, and returns what differs, by name. The image itself is not
// needed: its inventory was kept at unpack. A root that has none is an error
// that wraps [unpack.ErrNoInventory], and a tag that the store does not have one
// that wraps [ErrNoRoot].
func (v *View) Check(ctx context.Context, tag string) (found []unpack.Difference, err error) {
	root, err := v.find(tag)
	if err == nil {
		found, err = unpack.Check(ctx, v.unpacked(root))
	}
	if err != nil {
		return nil, fmt.Errorf("checking root %s of nfsroot %s: %w", tag, v.dir, err)
	}
	return found, nil
}

// Diff compares two roots by what their images say. Times are left aside: a
// new epoch would change them all.
func (v *View) Diff(from, to string) (unpack.Diff, error) {
	d, err := v.diff(from, to)
	if err != nil {
		return unpack.Diff{}, fmt.Errorf("comparing roots %s and %s of nfsroot %s: %w", from, to, v.dir, err)
	}
	return d, nil
}

func (v *View) diff(from, to string) (unpack.Diff, error) {
	var pair [2]unpack.Root
	for i, tag := range []string{from, to} {
		root, err := v.find(tag)
		if err != nil {
			return unpack.Diff{}, fmt.Errorf("%s: %w", tag, err)
		}
		pair[i] = v.unpacked(root)
	}
	return unpack.Compare(pair[0], pair[1])
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
