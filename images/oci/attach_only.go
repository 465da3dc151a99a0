package oci

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// AttachOnly is Attach for a type of which an image has one attachment: others of
// that type are no longer attached.
func (l *Layout) AttachOnly(subject v1.Hash, a Attachment) (v1.Hash, error) {
	h, err := l.Attach(subject, a)
	if err != nil {
		return h, err
	}
	list, err := l.artifacts(context.Background(), subject)
	if err != nil {
		return h, fmt.Errorf("reading what is attached to image %s in %s: %w", subject, l.dir, err)
	}
	old := map[v1.Hash]bool{}
	for _, other := range list {
		if other.Desc.ArtifactType == a.Type && other.Desc.Digest != h {
			old[other.Desc.Digest] = true
		}
	}
	return h, l.Forget(old)
}
