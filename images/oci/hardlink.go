package oci

import (
	"archive/tar"
	"fmt"
)

// relink makes the bytewise first path of every set of hard links the one
// that holds the content, and all others links to it.
func (t tree) relink() error {
	paths := t.paths()
	holders := map[string]string{}
	sets := map[string][]string{}
	for _, p := range paths {
		holder, err := t.holder(p, holders)
		if err != nil {
			return err
		}
		sets[holder] = append(sets[holder], p)
	}
	for holder, set := range sets {
		t.share(holder, set)
	}
	return nil
}

// holder follows hard links from p to the entry that is none, and remembers
// the answer for every path on the way.
func (t tree) holder(p string, known map[string]string) (string, error) {
	var way []string
	at := p
	for t[at].Type == tar.TypeLink && known[at] == "" {
		next := t[at].Link
		switch target := t[next]; {
		case target == nil:
			return "", fmt.Errorf("tar entry %q: hard link to %q, which the stream does not hold", at, next)
		case target.Type == tar.TypeDir:
			return "", fmt.Errorf("tar entry %q: hard link to the directory %q", at, next)
		case len(way) > len(t):
			return "", fmt.Errorf("tar entry %q: hard links in a loop", p)
		}
		way = append(way, at)
		at = next
	}
	if known[at] != "" {
		at = known[at]
	}
	for _, w := range way {
		known[w] = at
	}
	return at, nil
}

// share gives the content of holder to the first path of its sorted set.
func (t tree) share(holder string, set []string) {
	if len(set) == 1 {
		return
	}
	content := *t[holder]
	link := content
	link.Type, link.Size, link.Link, link.Capability = tar.TypeLink, 0, set[0], nil
	link.Major, link.Minor, link.offset = 0, 0, 0
	for _, p := range set {
		n := link
		if p == set[0] {
			n = content
		}
		n.Path = p
		*t[p] = n
	}
}
