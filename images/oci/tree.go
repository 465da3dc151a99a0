package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
)

// node is an entry and, for a regular file, where its content waits.
type node struct {
	Entry
	offset int64
}

// tree is what a tar stream holds, by path.
type tree map[string]*node

// readTree reads a tar stream and puts the contents of files into content.
func readTree(ctx context.Context, r io.Reader, content *spool) (tree, error) {
	end := &endReader{r: WithContext(ctx, r)}
	t := tree{}
	tr := tar.NewReader(end)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading tar stream: %w", err)
		}
		if err := t.add(h, tr, content); err != nil {
			return nil, err
		}
	}
	// What pads the stream is read too, or its writer may block.
	if _, err := io.Copy(io.Discard, end); err != nil {
		return nil, fmt.Errorf("reading tar stream: %w", err)
	}
	if !end.complete() {
		return nil, errors.New("reading tar stream: it ends without a tar's end marker")
	}
	return t, content.flush()
}

// add takes one entry of the stream.
func (t tree) add(h *tar.Header, r io.Reader, content *spool) error {
	e, err := newEntry(h)
	if err != nil {
		return fmt.Errorf("tar entry %q: %w", h.Name, err)
	}
	if t[e.Path] != nil {
		return fmt.Errorf("tar entry %q: the stream holds this path twice", h.Name)
	}
	n := &node{Entry: e}
	t[e.Path] = n
	if e.Type != tar.TypeReg {
		return nil
	}
	if n.offset, err = content.add(r, e.Size); err != nil {
		return fmt.Errorf("tar entry %q: %w", h.Name, err)
	}
	return nil
}

// canonical returns the nodes in the order and form of a canonical layer.
func (t tree) canonical() ([]*node, error) {
	if err := t.addParents(); err != nil {
		return nil, err
	}
	if err := t.relink(); err != nil {
		return nil, err
	}
	if root := t["."]; root != nil && root.plain() {
		delete(t, ".")
	}
	var nodes []*node
	for _, p := range t.paths() {
		nodes = append(nodes, t[p])
	}
	return nodes, nil
}

// paths returns the paths sorted bytewise, the root first. A parent is a
// prefix of its children, so it comes before them.
func (t tree) paths() []string {
	paths := slices.Sorted(maps.Keys(t))
	if i := slices.Index(paths, "."); i > 0 {
		paths = slices.Insert(slices.Delete(paths, i, i+1), 0, ".")
	}
	return paths
}

// plain says whether a directory is what an unpacker makes without being told.
func (e Entry) plain() bool {
	return e.Mode == 0o755 && e.UID == 0 && e.GID == 0 && e.Capability == nil
}

// addParents adds the directories that the stream left out.
func (t tree) addParents() error {
	for _, p := range t.paths() {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			parent := t[dir]
			if parent == nil {
				t[dir] = &node{Entry: Entry{Path: dir, Type: tar.TypeDir, Mode: 0o755}}
				continue
			}
			if parent.Type != tar.TypeDir {
				return fmt.Errorf("tar entry %q: %q above it is not a directory", p, dir)
			}
			break
		}
	}
	return nil
}
