package pack

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Parents returns the directories above paths (absolute and clean) that layers
// hold, as the topmost layer with each has it, sorted. A layer of just these
// paths must repeat them, for else it would give them owner and mode anew. A
// path below something that is no directory is an error.
func Parents(layers []oci.Layer, paths []string) ([]oci.Entry, error) {
	top := map[string]oci.Entry{}
	for _, l := range layers {
		for _, e := range l.Entries {
			top["/"+e.Path] = e
		}
	}
	parents := map[string]oci.Entry{}
	var errs []error
	for _, p := range paths {
		for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
			e, found := top[dir]
			switch {
			case found && e.Type == tar.TypeSymlink:
				errs = append(errs, fmt.Errorf("%s: %s is a symlink to %s: name the path below that", p, dir, e.Link))
			case found && e.Type != tar.TypeDir:
				errs = append(errs, fmt.Errorf("%s: %s is no directory", p, dir))
			case found:
				parents[dir] = e
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	list := make([]oci.Entry, 0, len(parents))
	for _, e := range parents {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b oci.Entry) int { return cmp.Compare(a.Path, b.Path) })
	return list, nil
}
