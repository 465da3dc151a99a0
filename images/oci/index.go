package oci

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// maxIndex bounds a layout's index, in bytes: ten thousand images with what is attached
// to them.
const maxIndex = 16 << 20

// refName is the annotation by which an index names an image.
const refName = "org.opencontainers.image.ref.name"

func newIndex() v1.IndexManifest {
	return v1.IndexManifest{
		SchemaVersion: 2,
		MediaType:     types.OCIImageIndex,
		Manifests:     []v1.Descriptor{},
	}
}

// record adds an image to the index under ref, which may be empty.
func (l *Layout) record(d v1.Descriptor, ref string) error {
	l.index.Lock()
	defer l.index.Unlock()
	index, err := l.readIndex()
	if err != nil {
		return err
	}
	before := slices.Clone(index.Manifests)
	index.Manifests = place(index.Manifests, d, ref)
	if slices.EqualFunc(before, index.Manifests, sameEntry) {
		return nil
	}
	return l.writeIndex(index)
}

// place puts an image into the list of an index. A name belongs to one image:
// the image that had it before stays, without a name.
func place(list []v1.Descriptor, d v1.Descriptor, ref string) []v1.Descriptor {
	d.Annotations = nil
	if ref != "" {
		d.Annotations = map[string]string{refName: ref}
	}
	out := []v1.Descriptor{d}
	for _, old := range list {
		if name := old.Annotations[refName]; name == ref && name != "" {
			old.Annotations = nil
		}
		out = append(out, old)
	}
	slices.SortStableFunc(out, compareEntries)
	out = slices.CompactFunc(out, sameEntry)
	named := map[v1.Hash]bool{}
	for _, e := range out {
		named[e.Digest] = named[e.Digest] || e.Annotations[refName] != ""
	}
	return slices.DeleteFunc(out, func(e v1.Descriptor) bool {
		return e.Annotations[refName] == "" && named[e.Digest]
	})
}

func compareEntries(a, b v1.Descriptor) int {
	return cmp.Or(
		cmp.Compare(a.Annotations[refName], b.Annotations[refName]),
		cmp.Compare(a.Digest.String(), b.Digest.String()),
	)
}

func sameEntry(a, b v1.Descriptor) bool { return compareEntries(a, b) == 0 }

// readIndex leaves out entries that no rootbuild of today would have written: an older
// one took artifacts of any type, until nobody could read the index any more.
func (l *Layout) readIndex() (v1.IndexManifest, error) {
	var index v1.IndexManifest
	data, err := safeopen.Read(l.path(indexFile), safeopen.Unlimited)
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return index, fmt.Errorf("reading index of %s: %w", l.dir, err)
	}
	index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return len(d.ArtifactType) > maxType })
	return index, nil
}

// Named returns the image that the index knows by a name, and whether there is one.
func (l *Layout) Named(name string) (v1.Hash, bool, error) {
	index, err := l.readIndex()
	if err != nil {
		return v1.Hash{}, false, err
	}
	for _, d := range index.Manifests {
		if d.Annotations[refName] == name && name != "" {
			return d.Digest, true, nil
		}
	}
	return v1.Hash{}, false, nil
}

// shrink writes the index anew if it is too large to be read.
func (l *Layout) shrink(size int64) error {
	if size <= maxIndex {
		return nil
	}
	l.index.Lock()
	defer l.index.Unlock()
	index, err := l.readIndex()
	if err != nil {
		return err
	}
	return l.writeIndex(index)
}

func (l *Layout) writeIndex(index v1.IndexManifest) error {
	data, err := CanonicalJSON(index)
	if err == nil && len(data) > maxIndex {
		err = fmt.Errorf("with %d entries it would have more than %d bytes: begin another layout, or take entries out that nobody needs", len(index.Manifests), maxIndex)
	}
	if err == nil {
		// What the index names reaches the disk before the index does.
		err = cmp.Or(syncDir(l.path("blobs", "sha256")), l.writeFile(indexFile, data), syncDir(l.dir))
	}
	if err != nil {
		return fmt.Errorf("writing index of %s: %w", l.dir, err)
	}
	return nil
}
