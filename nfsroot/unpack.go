package nfsroot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// UnpackOptions says as what an image becomes a root.
type UnpackOptions struct {
	Tag    string // name of the root; required
	Ref    string // reference the image came by, for the record
	Target string // target the image was built from, for the record

	// Link takes files of other roots by hard links where they have the same
	// attributes. Whoever changes such a file changes all these roots.
	Link bool

	// Note, when set, is told what a person may want to know of the unpacking.
	Note func(text string)

	// MaxEntries is how many entries the image may have in all its layers; 0 is
	// [unpack.DefaultMaxEntries].
	MaxEntries int

	// MaxSize is how many bytes the image may unpack to; 0 for 100 times its packed size
	// and 256 MiB.
	MaxSize int64

	// Refuse is what the image may not hold. The zero value takes all.
	Refuse unpack.Refusal

	// Labels says what becomes of the image's labels.
	Labels unpack.Labels
}

// TagTakenError says that a tag names another image's root already.
type TagTakenError struct {
	Tag  string
	Path string
	Have v1.Hash // zero for a directory that is not rootbuild's
	Want v1.Hash
}

// Error names both images and what to do.
func (e *TagTakenError) Error() string {
	have := "image " + e.Have.String()
	if e.Have == (v1.Hash{}) {
		have = "something that rootbuild did not unpack"
	}
	return fmt.Sprintf("tag %s is taken: %s holds %s, not %s: choose another tag; nothing was changed", e.Tag, e.Path, have, e.Want)
}

// Unpack makes img a root of the store, and returns it. The root appears
// complete and durable, or not at all. Layers are checked against the image's
// manifest and config while they are read. A tag that holds this image
// already is left as it is; one that holds another is a *TagTakenError.
func (s *Store) Unpack(ctx context.Context, img v1.Image, o UnpackOptions) (Root, error) {
	root, err := s.unpack(ctx, img, o)
	if err != nil {
		return Root{}, fmt.Errorf("unpacking into nfsroot %s: %w", s.dir, err)
	}
	if err := s.renew(ctx); err != nil {
		return Root{}, fmt.Errorf("root %s is unpacked, but among the boot entries it is not: %w", root.Tag, err)
	}
	return root, nil
}

func (s *Store) unpack(ctx context.Context, img v1.Image, o UnpackOptions) (Root, error) {
	if err := checkTag(o.Tag); err != nil {
		return Root{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Root{}, fmt.Errorf("reading the image's digest: %w", err)
	}
	have, err := s.root(o.Tag)
	if err == nil && have.Digest == digest {
		return have, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Root{}, err
	}
	switch _, err := os.Lstat(s.Path(o.Tag)); {
	case err == nil:
		return Root{}, &TagTakenError{Tag: o.Tag, Path: s.Path(o.Tag), Have: have.Digest, Want: digest}
	case !errors.Is(err, fs.ErrNotExist):
		return Root{}, err
	}
	root := Root{Tag: o.Tag, Digest: digest, Ref: o.Ref, Target: o.Target}
	return s.stage(ctx, img, root, o)
}
