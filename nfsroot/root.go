package nfsroot

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// ErrNoRoot is wrapped by errors about a tag that the store does not have.
var ErrNoRoot = errors.New("no such root")

// Root is one complete node root.
type Root struct {
	Tag    string
	Digest v1.Hash // of the image's manifest
	Ref    string  // reference the image came by; may be empty
	Target string  // target the image was built from; may be empty

	Created time.Time // when it was unpacked
	Size    int64     // bytes in its regular files, hard links counted once
	Files   int       // names in its tree, the root itself included

	Current bool // whether current names it

	// Inventory is the digest of what is kept to compare the tree with; zero
	// for a root of a rootbuild that kept nothing.
	Inventory v1.Hash
}

// record is a Root as it is kept in roots/<tag>.json.
type record struct {
	Tag     string    `json:"tag"`
	Digest  v1.Hash   `json:"digest"`
	Ref     string    `json:"ref,omitempty"`
	Target  string    `json:"target,omitempty"`
	Created time.Time `json:"created"`
	Size    int64     `json:"size"`
	Files   int       `json:"files"`

	Inventory v1.Hash `json:"inventory,omitzero"`
}

// The files of a root in roots are named by its tag and one of these.
const (
	recordSuffix    = ".json"
	inventorySuffix = ".inventory.zst"
	listingsSuffix  = ".listings"
)

func (v *View) recordPath(tag string) string { return v.meta("roots", tag+recordSuffix) }

func (v *View) inventoryPath(tag string) string { return v.meta("roots", tag+inventorySuffix) }

func (v *View) listingsPath(tag string) string { return v.meta("roots", tag+listingsSuffix) }

// unpacked says where a root is, and what is kept of it.
func (v *View) unpacked(r Root) unpack.Root {
	return unpack.Root{
		Name: r.Tag, Dir: v.Path(r.Tag), Image: r.Digest,
		Inventory: v.inventoryPath(r.Tag), InventoryDigest: r.Inventory, Listings: v.listingsPath(r.Tag),
	}
}

// records returns the tags that have a file with this suffix, sorted.
func (v *View) records(suffix string) ([]string, error) {
	entries, err := os.ReadDir(v.meta("roots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing roots of %s: %w", v.dir, err)
	}
	var tags []string
	for _, e := range entries {
		tag, ok := strings.CutSuffix(e.Name(), suffix)
		if ok && checkTag(tag) == nil {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// forget removes what is kept of a root beside its tree.
func (s *Store) forget(tag string) error {
	var errs []error
	for _, path := range []string{s.recordPath(tag), s.inventoryPath(tag), s.listingsPath(tag)} {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// root returns a complete root, or an error that wraps fs.ErrNotExist.
func (v *View) root(tag string) (Root, error) {
	there, err := v.exists(tag)
	if err == nil && !there {
		err = fs.ErrNotExist
	}
	if err != nil {
		return Root{}, fmt.Errorf("reading root %s: %w", tag, err)
	}
	data, err := safeopen.Read(v.recordPath(tag), maxRecord)
	if err != nil {
		return Root{}, fmt.Errorf("reading root %s: %w", tag, err)
	}
	r, err := parseRecord(data, tag)
	if err != nil {
		return Root{}, fmt.Errorf("reading %s: %w: restore the file, or move it and %s away and unpack the image again", v.recordPath(tag), err, v.Path(tag))
	}
	current, err := v.Current()
	if err != nil {
		return Root{}, err
	}
	return Root{
		Tag: tag, Digest: r.Digest, Ref: r.Ref, Target: r.Target,
		Created: r.Created, Size: r.Size, Files: r.Files, Current: current == tag, Inventory: r.Inventory,
	}, nil
}

// parseRecord reads the record of the root with this tag.
func parseRecord(data []byte, tag string) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, err
	}
	if r.Tag != tag {
		return record{}, fmt.Errorf("it is the record of %q", r.Tag)
	}
	if r.Digest.Algorithm != "sha256" || len(r.Digest.Hex) != 64 {
		return record{}, errors.New("it names no image")
	}
	return r, nil
}

// writeRecord keeps what is known of a root.
func (s *Store) writeRecord(r Root) error {
	data, err := json.MarshalIndent(record{
		Tag: r.Tag, Digest: r.Digest, Ref: r.Ref, Target: r.Target,
		Created: r.Created, Size: r.Size, Files: r.Files, Inventory: r.Inventory,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("internal error: encoding the record of %s: %w", r.Tag, err)
	}
	return s.writeFile("roots/"+r.Tag+".json", append(data, '\n'))
}

func sortNewestFirst(roots []Root) {
	slices.SortFunc(roots, func(a, b Root) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.Tag, b.Tag))
	})
}
