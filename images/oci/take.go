package oci

import (
	"context"
	"fmt"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Parallel is how many blobs move at once.
const Parallel = 4

// Taken is an image that Take brought into a layout.
type Taken struct {
	// Digest is that of its manifest: of the one for linux/amd64, where the
	// reference names an index.
	Digest v1.Hash
	// Title is what the image calls itself; it may be empty.
	Title string
	// Left is how much of what is attached was left, for there is too much of it.
	Left int
	// Blobs and Bytes are what moved, of the Size bytes that the image has.
	Blobs       int
	Bytes, Size int64
}

// Admit decides whether an image is taken, by the manifests of what is attached to it.
// It returns what is to be attached besides.
type Admit func(image v1.Hash, attached []Artifact) (more []Attachment, err error)

// Take brings the image for linux/amd64 that the reference of a source names into
// the layout. Of what is attached to it the types that are known here come along.
// The config comes first; then admit may refuse the image, of which the layout knows
// nothing yet. Only after that the layers move, several at once, and when all are
// there the image comes into the index. Blobs that the layout has do not move.
func (l *Layout) Take(ctx context.Context, s Source, admit Admit) (Taken, error) {
	o, err := choose(ctx, s)
	if err != nil {
		return Taken{}, err
	}
	t := &taking{layout: l, source: s, offer: o}
	if err := t.config(ctx); err != nil {
		return Taken{}, err
	}
	attached, left, err := attachments(ctx, s, o.desc.Digest)
	if err != nil {
		return Taken{}, fmt.Errorf("reading what is attached to image %s: %w", o.desc.Digest, err)
	}
	more, err := admit(o.desc.Digest, attached)
	if err != nil {
		return Taken{}, err
	}
	if err := t.attach(ctx, attached, more); err != nil {
		return Taken{}, err
	}
	size, err := t.layers(ctx)
	if err != nil {
		return Taken{}, err
	}
	d := Describe(o.data, o.desc.MediaType)
	if t := o.manifest.MediaType; t != "" {
		d.MediaType = t
	}
	d.Platform = &platform
	return Taken{
		Digest: o.desc.Digest, Title: o.manifest.Annotations[ocispec.AnnotationTitle],
		Left: left, Blobs: int(t.blobs.Load()), Bytes: t.bytes.Load(), Size: size,
	}, l.record(d, s.Reference().tag())
}

// taking is an image on its way into a layout.
type taking struct {
	layout *Layout
	source Source
	offer
	blobs, bytes atomic.Int64 // that moved
}

func (t *taking) bring(ctx context.Context, d v1.Descriptor, object string) error {
	if t.layout.checkBlob(d.Digest, d.Size) == nil {
		return nil
	}
	t.blobs.Add(1)
	t.bytes.Add(d.Size)
	return t.source.Bring(ctx, t.layout, d, object)
}

func (t *taking) config(ctx context.Context) error {
	h := t.manifest.Config.Digest
	if err := t.bring(ctx, t.manifest.Config, "config "+h.String()); err != nil {
		return err
	}
	config, err := t.layout.readBlob(h)
	if err == nil {
		err = checkConfig(config, t.manifest)
	}
	if err != nil {
		return fmt.Errorf("reading config %s: %w", h, err)
	}
	return nil
}

// attach brings what is attached, and before it the manifest that it refers to.
func (t *taking) attach(ctx context.Context, attached []Artifact, more []Attachment) error {
	if _, err := t.layout.writeBlob(t.data); err != nil {
		return err
	}
	for _, a := range attached {
		if err := t.layout.takeAttachment(ctx, t.source, a); err != nil {
			return err
		}
	}
	for _, a := range more {
		if _, err := t.layout.Attach(t.desc.Digest, a); err != nil {
			return err
		}
	}
	return nil
}

// layers brings those that are missing, and returns the size of all, in bytes.
func (t *taking) layers(ctx context.Context) (size int64, err error) {
	if err := t.layout.checkRoom(t.manifest.Layers); err != nil {
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(Parallel)
	for _, d := range once(t.manifest.Layers) {
		size += d.Size
		group.Go(func() error { return t.bring(ctx, d, "layer "+d.Digest.String()) })
	}
	return size, group.Wait()
}

// checkRoom says before a download, and not at its end, that the disk is too
// small for the layers that are missing.
func (l *Layout) checkRoom(layers []v1.Descriptor) error {
	var st unix.Statfs_t
	if err := unix.Statfs(l.dir, &st); err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", l.dir, err)
	}
	free := st.Bavail * uint64(st.Bsize)
	need := uint64(0)
	for _, d := range layers {
		if l.checkBlob(d.Digest, d.Size) == nil {
			continue
		}
		if need += uint64(d.Size); need > free {
			return fmt.Errorf("the layers that are missing do not fit: they have more than %d MiB, and %s has %d free: free more", (need-1)>>20, l.dir, free>>20)
		}
	}
	return nil
}
