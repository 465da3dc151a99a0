package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Held is a manifest that the index of a layout names: an image, or what is attached
// to one.
type Held struct {
	Digest v1.Hash
	// Names are those that the index has for it.
	Names []string
	// Manifest is nil where the blob is not there, or is no manifest.
	Manifest *v1.Manifest
	// Since is when the manifest was written last.
	Since time.Time
}

// Held returns what the index names, each manifest once, in the order of digests. An
// index in the index is an error: no rootbuild writes one, and what it names is not
// known here.
func (l *Layout) Held() ([]Held, error) {
	l.index.Lock()
	defer l.index.Unlock()
	list, err := l.held()
	if err != nil {
		return nil, fmt.Errorf("listing what %s holds: %w", l.dir, err)
	}
	return list, nil
}

func (l *Layout) held() ([]Held, error) {
	index, err := l.readIndex()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(index.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.Hex, b.Digest.Hex) })
	var list []Held
	for _, d := range index.Manifests {
		if d.MediaType.IsIndex() {
			return nil, fmt.Errorf("its index names another one, %s, which rootbuild did not write", d.Digest)
		}
		if n := len(list); n == 0 || list[n-1].Digest != d.Digest {
			h, err := l.holds(d.Digest)
			if err != nil {
				return nil, err
			}
			list = append(list, h)
		}
		if name := d.Annotations[refName]; name != "" {
			h := &list[len(list)-1]
			h.Names = append(h.Names, name)
		}
	}
	return list, nil
}

// holds reads a manifest, if it is there and whole.
func (l *Layout) holds(digest v1.Hash) (Held, error) {
	h := Held{Digest: digest}
	data, err := safeopen.Read(l.BlobPath(digest), safeopen.Unlimited)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	info, err := os.Lstat(l.BlobPath(digest))
	if err != nil {
		return h, err
	}
	h.Since = info.ModTime()
	if m, err := v1.ParseManifest(bytes.NewReader(data)); err == nil && Describe(data, "").Digest == digest {
		h.Manifest = m
	}
	return h, nil
}

// Blobs are the manifest and all that it names.
func (h Held) Blobs() []v1.Hash {
	all := []v1.Hash{h.Digest}
	if h.Manifest != nil {
		all = append(all, h.Manifest.Config.Digest)
		for _, d := range h.Manifest.Layers {
			all = append(all, d.Digest)
		}
	}
	return all
}

// Blob is a file of a layout.
type Blob struct {
	Digest v1.Hash
	Size   int64 // bytes
	// Since is when it was written last.
	Since time.Time
}

// Blobs returns all that are in the layout, whether anything names them or not.
func (l *Layout) Blobs() ([]Blob, error) {
	entries, err := os.ReadDir(l.path("blobs", "sha256"))
	if err != nil {
		return nil, fmt.Errorf("listing the blobs of %s: %w", l.dir, err)
	}
	var list []Blob
	for _, e := range entries {
		h, err := v1.NewHash("sha256:" + e.Name())
		if err != nil || !e.Type().IsRegular() {
			continue // no blob
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("listing the blobs of %s: %w", l.dir, err)
		}
		list = append(list, Blob{h, info.Size(), info.ModTime()})
	}
	return list, nil
}
