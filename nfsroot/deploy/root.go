package deploy

import (
	"fmt"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/nfsroot"
)

// Root is a root that is about to be entered, booted or compared.
type Root struct {
	nfsroot.Root
	Store string // directory of all roots
	Path  string
}

// FindRoot finds a root of the directory dir by its tag; by none, or as "current", the
// one that current names now. It is resolved once: the symlink may move at any moment.
func FindRoot(dir, tag string) (Root, error) {
	view, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		return Root{}, err
	}
	if tag == "" || tag == "current" {
		if tag, err = view.Current(); err != nil {
			return Root{}, err
		}
		if tag == "" {
			return Root{}, fmt.Errorf("%s has no current root: name a tag (see rootbuild ls)", view.Dir())
		}
	}
	roots, err := view.List()
	if err != nil {
		return Root{}, err
	}
	var tags []string
	for _, r := range roots {
		if r.Tag == tag {
			return Root{Root: r, Store: view.Dir(), Path: view.Path(tag)}, nil
		}
		tags = append(tags, r.Tag)
	}
	return Root{}, fmt.Errorf("%w %q in %s%s", nfsroot.ErrNoRoot, tag, view.Dir(), images.DidYouMean(tag, tags))
}
