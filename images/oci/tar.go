package oci

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"time"
)

// canonicalTar is a layer's tar before it is written.
type canonicalTar struct {
	nodes   []*node // in order
	content *spool
	epoch   time.Time
}

// write writes the tar to w.
func (c canonicalTar) write(ctx context.Context, w io.Writer) error {
	tw := tar.NewWriter(w)
	for _, n := range c.nodes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tw.WriteHeader(n.header(c.epoch)); err != nil {
			return fmt.Errorf("packing %q: %w", n.Path, err)
		}
		if n.Type != tar.TypeReg {
			continue
		}
		if err := c.content.copyTo(tw, n.offset, n.Size); err != nil {
			return fmt.Errorf("packing %q: %w", n.Path, err)
		}
	}
	return tw.Close()
}

func (e Entry) header(epoch time.Time) *tar.Header {
	h := &tar.Header{
		Typeflag: e.Type,
		Name:     e.Path,
		Linkname: e.Link,
		Size:     e.Size,
		Mode:     e.Mode,
		Uid:      e.UID,
		Gid:      e.GID,
		ModTime:  epochTime(epoch),
		Devmajor: e.Major,
		Devminor: e.Minor,
		// To archive/tar this means USTAR where that can hold the entry, PAX
		// where not, and never GNU, which an unset format may fall back to.
		Format: tar.FormatPAX,
	}
	if e.Type == tar.TypeDir {
		h.Name += "/"
	}
	if e.Capability != nil {
		h.PAXRecords = map[string]string{capabilityRecord: string(e.Capability)}
	}
	return h
}
