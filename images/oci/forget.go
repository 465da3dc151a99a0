package oci

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Forget takes manifests out of the index. Their blobs stay.
func (l *Layout) Forget(manifests map[v1.Hash]bool) error {
	if len(manifests) == 0 {
		return nil
	}
	l.index.Lock()
	defer l.index.Unlock()
	index, err := l.readIndex()
	if err != nil {
		return err
	}
	index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return manifests[d.Digest] })
	return l.writeIndex(index)
}

// RemoveBlobs removes blobs. Those that the index names, or that a manifest in it
// names, stay: forget that first, so that a kill leaves no image without its layers.
// The caller sees to it that nobody is about to enter what names them.
func (l *Layout) RemoveBlobs(ctx context.Context, blobs []v1.Hash) error {
	l.index.Lock()
	defer l.index.Unlock()
	list, err := l.held()
	if err != nil {
		return fmt.Errorf("removing blobs of %s: %w", l.dir, err)
	}
	named := map[v1.Hash]bool{}
	for _, h := range list {
		for _, b := range h.Blobs() {
			named[b] = true
		}
	}
	for _, h := range blobs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if named[h] {
			continue
		}
		if err := os.Remove(l.BlobPath(h)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing blobs of %s: %w", l.dir, err)
		}
	}
	return nil
}
