package nfsroot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
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

	// MaxEntries is how many entries the image may have in all its layers, and
	// names of 100 bytes for each; 0 is [DefaultMaxEntries]. Each takes some 250
	// bytes of memory until the root is complete.
	MaxEntries int

	// Refuse is what the image may not hold. The zero value takes all.
	Refuse Refusal

	// Progress, when set, is told after each layer how many bytes of the
	// image's layers, as its manifest counts them, are done.
	Progress func(done, total int64)
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

// stage unpacks beside the roots, then publishes. Whatever fails, staging is
// left empty.
func (s *Store) stage(ctx context.Context, img v1.Image, root Root, o UnpackOptions) (_ Root, err error) {
	staged, err := os.MkdirTemp(s.meta("staging"), root.Tag+"-")
	if err != nil {
		return Root{}, fmt.Errorf("staging: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(staged))
		}
	}()
	// Opened before the first write: syncfs reports the write errors that came
	// after its descriptor was opened.
	disk, err := os.Open(staged)
	if err != nil {
		return Root{}, fmt.Errorf("staging: %w", err)
	}
	defer func() { err = errors.Join(err, disk.Close()) }()

	free := freeBytes(disk)
	listings, err := s.create("roots/" + root.Tag + listingsSuffix)
	if err != nil {
		return Root{}, explain(err, free)
	}
	defer func() { err = errors.Join(err, listings.Cleanup()) }()
	t, err := s.unpackDelta(ctx, img, staged, listings, o)
	if err != nil {
		return Root{}, explain(err, free)
	}
	head, err := headOf(img)
	if err != nil {
		return Root{}, err
	}
	head.Listings, head.Tree, head.Stamps = t.lister.places, t.lister.tree, t.lister.stamps
	root.Size, root.Files = t.count()
	root.Created = time.Now().UTC().Truncate(time.Second)
	if err := s.publish(disk, staged, root, head, t.lister.out); err != nil {
		return Root{}, explain(err, free)
	}
	return s.root(root.Tag)
}

// unpackDelta unpacks the layers that no other root has, and takes the others
// from there.
func (s *Store) unpackDelta(ctx context.Context, img v1.Image, dir string, listings *renameio.PendingFile, o UnpackOptions) (_ *tree, err error) {
	manifest, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading the image's manifest: %w", err)
	}
	from := &delta{link: o.Link, linked: map[uint64]bool{}, note: o.Note}
	if from.note == nil {
		from.note = func(string) {}
	}
	defer func() { err = errors.Join(err, from.close()) }()
	if from.donors, err = s.donors(manifest, from.note); err != nil {
		return nil, err
	}
	to, err := newLister(listings)
	if err != nil {
		return nil, err
	}
	t, err := unpackLayers(ctx, img, manifest, dir, from, to, o)
	if err == nil && from.layers > 0 {
		from.note(fmt.Sprintf("%d of %d layers were taken from other roots", from.layers, len(manifest.Layers)))
	}
	return t, err
}

// publish gives the staged tree its name. One sync of the file system in place
// of one for each file keeps an unpack ten times shorter, and it comes before
// the name: a power cut cannot leave a root with empty files.
func (s *Store) publish(disk *os.File, staged string, root Root, head inventoryHead, listings *renameio.PendingFile) error {
	err := unix.Syncfs(int(disk.Fd()))
	if err != nil {
		return fmt.Errorf("syncing %s: %w", staged, err)
	}
	err = replace(listings)
	if err == nil {
		root.Inventory, err = s.writeInventory(root.Tag, head)
	}
	if err == nil {
		err = s.writeRecord(root)
	}
	if err == nil {
		err = renameNew(staged, s.Path(root.Tag))
	}
	if err != nil {
		return errors.Join(err, s.forget(root.Tag))
	}
	return syncDir(s.dir)
}

// renameNew renames, but never over what is there: rename(2) by itself would
// replace an empty directory.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		// ZFS before 2.2 knows no flags. The store's lock keeps others out.
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("renaming %s to %s: %w", filepath.Base(from), to, fs.ErrExist)
		}
		return os.Rename(from, to)
	}
	if err != nil {
		return fmt.Errorf("renaming %s to %s: %w", filepath.Base(from), to, err)
	}
	return nil
}

// freeBytes returns the space that is left, or 0 when it is not known.
func freeBytes(f *os.File) uint64 {
	var st unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &st) != nil {
		return 0
	}
	return st.Bavail * uint64(st.Bsize)
}

// explain adds to an error of space or rights what to do about it.
func explain(err error, free uint64) error {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("%w: %d MiB were free at the start: free more, or name another directory; nothing was changed", err, free>>20)
	case errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: the quota is used up: raise it, or name another directory; nothing was changed", err)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Errorf("%w: owners and devices need root rights, and this is uid %d: run as root; nothing was changed", err, os.Geteuid())
	}
	return err
}
