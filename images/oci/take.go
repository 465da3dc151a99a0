package oci

import (
	"context"
	"fmt"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// taking is an image on its way into a layout.
type taking struct {
	layout *Layout
	supply supply
	offer
	blobs, bytes atomic.Int64 // that moved
}

// take brings the image, unless the policy keeps it out: first what may still
// refuse it, its config and its signatures, then the layers.
func (l *Layout) take(ctx context.Context, s supply, o offer, p Policy) (Pulled, error) {
	t := &taking{layout: l, supply: s, offer: o}
	if err := t.config(ctx); err != nil {
		return Pulled{}, err
	}
	verdict, err := t.trust(ctx, p)
	if err != nil {
		return Pulled{}, err
	}
	size, err := t.layers(ctx)
	if err != nil {
		return Pulled{}, err
	}
	d := describe(o.data, o.desc.MediaType)
	if t := o.manifest.MediaType; t != "" {
		d.MediaType = t
	}
	d.Platform = &platform
	return Pulled{
		Digest: o.desc.Digest, Title: o.manifest.Annotations[titleKey], Verdict: verdict,
		Blobs: int(t.blobs.Load()), Bytes: t.bytes.Load(), Size: size,
	}, l.record(d, o.from.tag())
}

func (t *taking) bring(ctx context.Context, d v1.Descriptor, object string) error {
	if t.layout.checkBlob(d.Digest, d.Size) == nil {
		return nil
	}
	t.blobs.Add(1)
	t.bytes.Add(d.Size)
	return t.supply.bring(ctx, t.layout, d, object)
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

// trust asks the policy. What is attached is in the layout before, and so is
// the manifest that it refers to.
func (t *taking) trust(ctx context.Context, p Policy) (Verdict, error) {
	if _, err := t.layout.writeBlob(t.data); err != nil {
		return Verdict{}, err
	}
	if err := t.layout.takeAttachments(ctx, t.supply, t.desc.Digest); err != nil {
		return Verdict{}, err
	}
	return t.layout.judge(ctx, t.from, p, t.desc.Digest)
}

// layers brings those that are missing, and returns the size of all, in bytes.
func (t *taking) layers(ctx context.Context) (size int64, err error) {
	if err := t.layout.checkRoom(t.manifest.Layers); err != nil {
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	seen := map[v1.Hash]bool{}
	for _, d := range t.manifest.Layers {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
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
