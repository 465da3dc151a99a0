package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// Options says how an image becomes a tree.
type Options struct {
	// Listings takes the layers and the tree without the content of files; required.
	Listings io.Writer

	// Donors are asked for layers, the first of them first.
	Donors []Root

	// Renewals are of files of the donors; may be nil.
	Renewals Renewals

	// Link takes files of donors by hard links where they have the same attributes.
	// Whoever changes such a file changes all these roots.
	Link bool

	// Note, when set, is told what a person may want to know of the unpacking.
	Note func(text string)

	// MaxEntries is how many entries the image may have in all its layers, and
	// names of 100 bytes for each; 0 is [DefaultMaxEntries]. Each takes some 250
	// bytes of memory until the tree is complete.
	MaxEntries int

	// MaxSize is how many bytes the image's layers, and its files, may unpack to; 0 for
	// 100 times its packed size and 256 MiB.
	MaxSize int64

	// Refuse is what the image may not hold. The zero value takes all.
	Refuse Refusal

	// Labels says what becomes of the image's labels. Other roots give layers only
	// where they are dropped.
	Labels Labels
}

// Result is what came of an image.
type Result struct {
	Size  int64 // bytes in regular files, hard links counted once
	Files int   // names in the tree, its top included

	// Inventory says what the image is and where in the listings its parts are. A
	// [Root] has it in a file.
	Inventory []byte
}

// Image makes the tree of an image in dir, which is there and empty. Layers are
// checked against the image's manifest and config while they are read. Nothing is
// synced. After an error the directory holds a part of the tree.
func Image(ctx context.Context, img v1.Image, dir string, o Options) (Result, error) {
	if o.Note == nil {
		o.Note = func(string) {}
	}
	t, err := layersOf(ctx, img, dir, o)
	if err != nil {
		return Result{}, err
	}
	head, err := headOf(img)
	if err != nil {
		return Result{}, err
	}
	head.Listings, head.Tree, head.Stamps = t.lister.places, t.lister.tree, t.lister.stamps
	size, files := t.count()
	packed, err := head.pack()
	return Result{Size: size, Files: files, Inventory: packed}, err
}

// layersOf unpacks the layers that no donor has, and takes the others from there.
func layersOf(ctx context.Context, img v1.Image, dir string, o Options) (_ *tree, err error) {
	manifest, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading the image's manifest: %w", err)
	}
	from := &delta{donors: donorsOf(manifest, o), link: o.Link, renewals: o.Renewals, linked: map[uint64]bool{}, note: o.Note}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := newLister(o.Listings)
	if err != nil {
		return nil, err
	}
	t, err := unpackLayers(ctx, img, manifest, dir, from, to, o)
	if err == nil && from.layers > 0 {
		o.Note(fmt.Sprintf("%d of %d layers were taken from other roots", from.layers, len(manifest.Layers)))
	}
	return t, err
}

// unpackLayers makes the tree of an image in an empty directory.
func unpackLayers(ctx context.Context, img v1.Image, manifest *v1.Manifest, dir string, from *delta, to *lister, o Options) (_ *tree, err error) {
	epoch, err := epochOf(img, manifest.Config.Digest)
	if err != nil {
		return nil, err
	}
	t, err := newTree(dir, epoch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	t.lister, t.delta = to, from
	var total int64
	for _, l := range manifest.Layers {
		total += l.Size
	}
	t.limits, t.refuse, t.labels, t.dropped = limitsOf(total, o.MaxEntries, o.MaxSize), o.Refuse, o.Labels, map[string]int{}
	for i, l := range manifest.Layers {
		if err := t.layerOf(ctx, img, i, l.Digest); err != nil {
			return nil, fmt.Errorf("layer %d (%s): %w", i, l.Digest, err)
		}
	}
	t.noteLabels(o.Note)
	return t, t.finish()
}

// layerOf unpacks a layer out of other roots, or else out of the image.
func (t *tree) layerOf(ctx context.Context, img v1.Image, i int, digest v1.Hash) error {
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the image's config: %w", err)
	}
	var diffID v1.Hash // a config of fewer layers is refused when the layer is opened
	if i < len(config.RootFS.DiffIDs) {
		diffID = config.RootFS.DiffIDs[i]
	}
	if taken, err := t.takeLayer(ctx, digest, diffID); taken || err != nil {
		return err
	}
	t.layer++
	from := len(t.inodes)
	t.lister.start()
	if err := t.applyLayer(ctx, img, i); err != nil {
		return err
	}
	t.spans = append(t.spans, span{from, len(t.inodes)})
	return t.lister.end(diffID)
}

// epochOf returns the time that the image's config names, once the config is
// what the manifest says.
func epochOf(img v1.Image, want v1.Hash) (time.Time, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the image's config: %w", err)
	}
	got, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return time.Time{}, err
	}
	if got != want {
		return time.Time{}, fmt.Errorf("reading the image's config: its digest is %s, want %s", got, want)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the image's config: %w", err)
	}
	if config.Created.IsZero() {
		return time.Unix(0, 0), nil
	}
	if err := checkTime(config.Created.Time); err != nil {
		return time.Time{}, fmt.Errorf("reading the image's config: %w", err)
	}
	return config.Created.Time, nil
}

// applyLayer reads a layer to its very end, past the end of the archive: it is
// there that its digest is checked.
func (t *tree) applyLayer(ctx context.Context, img v1.Image, i int) (err error) {
	layer, err := oci.OpenLayer(img, i)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, layer.Close()) }()
	r := bufio.NewReaderSize(limitedReader{oci.WithContext(ctx, layer), &t.limits}, 256<<10)
	archive := tar.NewReader(r)
	for {
		hdr, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		t.wrote = nil
		if err := t.apply(hdr, archive); err != nil {
			return fmt.Errorf("entry %q: %w", hdr.Name, err)
		}
		var sum []byte
		if t.wrote != nil {
			sum = t.wrote.sum[:]
		}
		if err := t.lister.add(hdr, sum); err != nil {
			return fmt.Errorf("listing entry %q: %w", hdr.Name, err)
		}
	}
	_, err = io.Copy(io.Discard, r)
	return err
}
