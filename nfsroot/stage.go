package nfsroot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

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
	if err := unpack.DropACLs(staged); err != nil {
		return Root{}, fmt.Errorf("staging: %w", err)
	}
	// Opened before the first write: syncfs reports the write errors that came
	// after its descriptor was opened.
	disk, err := os.Open(staged)
	if err != nil {
		return Root{}, fmt.Errorf("staging: %w", err)
	}
	defer func() { err = errors.Join(err, disk.Close()) }()

	room := roomOf(disk)
	listings, err := s.create("roots/" + root.Tag + listingsSuffix)
	if err != nil {
		return Root{}, room.explain(err)
	}
	defer func() { err = errors.Join(err, listings.Cleanup()) }()
	donors, err := s.donors()
	if err != nil {
		return Root{}, room.explain(err)
	}
	made, err := unpack.Image(ctx, img, staged, unpack.Options{
		Listings: listings, Donors: donors, Renewals: s.renewals(), Link: o.Link, Note: o.Note,
		MaxEntries: o.MaxEntries, MaxSize: o.MaxSize, Refuse: o.Refuse, Labels: o.Labels,
	})
	if err != nil {
		return Root{}, room.explain(err)
	}
	root.Size, root.Files = made.Size, made.Files
	root.Created = time.Now().UTC().Truncate(time.Second)
	if err := s.publish(disk, staged, root, made.Inventory, listings); err != nil {
		return Root{}, room.explain(err)
	}
	return s.root(root.Tag)
}

// maxDonors is how many roots are asked for layers. Those that are older seldom
// have one that these lack.
const maxDonors = 4

// donors returns the roots that may give layers: the current one, then the newest.
func (v *View) donors() ([]unpack.Root, error) {
	roots, err := v.List()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(roots, func(a, b Root) int {
		switch {
		case a.Current:
			return -1
		case b.Current:
			return 1
		}
		return 0
	})
	var list []unpack.Root
	for _, r := range roots[:min(len(roots), maxDonors)] {
		list = append(list, v.unpacked(r))
	}
	return list, nil
}

// publish gives the staged tree its name. One sync of the file system in place
// of one for each file keeps an unpack ten times shorter, and it comes before
// the name: a power cut cannot leave a root with empty files.
func (s *Store) publish(disk *os.File, staged string, root Root, inventory []byte, listings *renameio.PendingFile) error {
	err := unix.Syncfs(int(disk.Fd()))
	if err != nil {
		return fmt.Errorf("syncing %s: %w", staged, err)
	}
	err = replace(listings)
	if err == nil {
		root.Inventory, err = s.writeInventory(root.Tag, inventory)
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

// writeInventory keeps the inventory of a root, and returns its digest for the
// record.
func (s *Store) writeInventory(tag string, inventory []byte) (v1.Hash, error) {
	digest, _, err := v1.SHA256(bytes.NewReader(inventory))
	if err != nil {
		return v1.Hash{}, err
	}
	return digest, s.writeFile("roots/"+tag+inventorySuffix, inventory)
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

// room is what was free on a disk when something began.
type room struct {
	disk          *os.File
	bytes, inodes uint64 // 0 when it is not known
}

func roomOf(disk *os.File) room {
	var st unix.Statfs_t
	if unix.Fstatfs(int(disk.Fd()), &st) != nil {
		return room{disk: disk}
	}
	return room{disk, st.Bavail * uint64(st.Bsize), st.Ffree}
}

// explain adds to an error of space or rights what to do about it.
func (r room) explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC) && r.inodes > 0 && roomOf(r.disk).inodes == 0:
		return fmt.Errorf("%w: the file system has no inodes left, %d were free at the start: remove files, or name a directory on one with more inodes; nothing was changed", err, r.inodes)
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("%w: %d MiB were free at the start: free more, or name another directory; nothing was changed", err, r.bytes>>20)
	case errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: the quota is used up: raise it, or name another directory; nothing was changed", err)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Errorf("%w: owners and devices need root rights, and this is uid %d: run as root; nothing was changed", err, os.Geteuid())
	}
	return err
}
