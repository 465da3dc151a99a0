package oci

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Pulled is an image that Pull brought into a layout.
type Pulled struct {
	// Digest is that of its manifest: of the one for linux/amd64, where the
	// reference names an index.
	Digest v1.Hash
	// Title is what the image calls itself; it may be empty.
	Title string
	// Blobs and Bytes are what moved, of the Size bytes that the image has.
	Blobs       int
	Bytes, Size int64
}

// Pull brings the image for linux/amd64 that a reference names into the
// layout. Only blobs that the layout lacks move, several at once. Each is
// checked while it comes and gets its name when its bytes are all there; what
// a break leaves of one is where the next Pull goes on. The image is in the
// layout's index only when it is whole.
func (l *Layout) Pull(ctx context.Context, from Reference, o RegistryOptions) (Pulled, error) {
	p, err := l.pull(ctx, from, o.withDefaults())
	if err != nil {
		return Pulled{}, fmt.Errorf("pulling %s: %w", from, err)
	}
	return p, nil
}

// supply is where a pull gets its image from.
type supply interface {
	// manifest returns what a descriptor names, checked, and its media type
	// where that says none.
	manifest(ctx context.Context, d v1.Descriptor) ([]byte, types.MediaType, error)
	// bring puts a blob into the layout, and calls it object in errors.
	bring(ctx context.Context, to *Layout, d v1.Descriptor, object string) error
}

func (l *Layout) pull(ctx context.Context, from Reference, o RegistryOptions) (_ Pulled, err error) {
	if err := l.sweepParts(); err != nil {
		return Pulled{}, err
	}
	if from.Registry() {
		s, data, d, err := o.remoteSupply(ctx, from)
		if err != nil {
			return Pulled{}, err
		}
		return l.take(ctx, s, data, d, from.tag())
	}
	s, err := openLocal(from)
	if err != nil {
		return Pulled{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d, err := s.find(from.digest)
	if err != nil {
		return Pulled{}, err
	}
	data, _, err := s.manifest(ctx, d)
	if err != nil {
		return Pulled{}, err
	}
	return l.take(ctx, s, data, d, "")
}

// take brings the image that a manifest, or one of an index, describes.
func (l *Layout) take(ctx context.Context, s supply, data []byte, d v1.Descriptor, ref string) (Pulled, error) {
	m, index, err := readManifest(data, d.MediaType)
	if index != nil {
		if d, err = pick(index); err == nil {
			data, d.MediaType, err = s.manifest(ctx, d)
		}
		if err != nil {
			return Pulled{}, fmt.Errorf("choosing from the index: %w", err)
		}
		m, index, err = readManifest(data, d.MediaType)
	}
	if err != nil {
		return Pulled{}, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	if index != nil {
		return Pulled{}, fmt.Errorf("manifest %s: an index of indexes is not followed", d.Digest)
	}
	pulled := Pulled{Digest: d.Digest, Title: m.Annotations["org.opencontainers.image.title"]}
	if err := l.takeBlobs(ctx, s, m, &pulled); err != nil {
		return Pulled{}, err
	}
	if _, err := l.writeBlob(data); err != nil {
		return Pulled{}, err
	}
	d = describe(data, d.MediaType)
	if m.MediaType != "" {
		d.MediaType = m.MediaType
	}
	d.Platform = &platform
	return pulled, l.record(d, ref)
}

// takeBlobs brings the config, which may still refuse the image, then the
// layers that are missing.
func (l *Layout) takeBlobs(ctx context.Context, s supply, m *v1.Manifest, pulled *Pulled) error {
	var blobs, bytes atomic.Int64
	bring := func(ctx context.Context, d v1.Descriptor, object string) error {
		if l.checkBlob(d.Digest, d.Size) == nil {
			return nil
		}
		blobs.Add(1)
		bytes.Add(d.Size)
		return s.bring(ctx, l, d, object)
	}
	if err := bring(ctx, m.Config, "config "+m.Config.Digest.String()); err != nil {
		return err
	}
	config, err := l.readBlob(m.Config.Digest)
	if err == nil {
		err = checkConfig(config, m)
	}
	if err != nil {
		return fmt.Errorf("reading config %s: %w", m.Config.Digest, err)
	}
	if err := l.checkRoom(m.Layers); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	seen := map[v1.Hash]bool{}
	for _, d := range m.Layers {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		pulled.Size += d.Size
		group.Go(func() error { return bring(ctx, d, "layer "+d.Digest.String()) })
	}
	err = group.Wait()
	pulled.Blobs, pulled.Bytes = int(blobs.Load()), bytes.Load()
	return err
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
