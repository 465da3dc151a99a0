package nfsroot

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// ErrNoInventory is wrapped by errors about a root that an earlier rootbuild
// unpacked, which kept no inventory of the tree.
var ErrNoInventory = errors.New("no inventory was kept of its tree")

// inventory is what a root has to be, as its image says: the layers and every
// name. It is kept because the master need not keep the image.
type inventory struct {
	inventoryHead
	nodes []Node // by name
}

// inventoryHead is what the inventory's file holds, JSON packed with zstd.
type inventoryHead struct {
	Digest v1.Hash `json:"digest"`
	Layers []Layer `json:"layers"`

	// Where in the listings' file the layers are, the finished tree and its
	// stamps. An earlier rootbuild kept no tree there.
	Listings []listingPlace `json:"listings,omitempty"`
	Tree     place          `json:"tree,omitzero"`
	Stamps   place          `json:"stamps,omitzero"`
}

// Layer is a layer of the image that a root was unpacked from.
type Layer struct {
	Digest    v1.Hash `json:"digest"`
	Size      int64   `json:"size"` // packed
	CreatedBy string  `json:"created_by"`
}

func (v *View) inventoryPath(tag string) string { return v.meta("roots", tag+inventorySuffix) }

// writeInventory keeps the inventory of a root, and returns its digest for the
// record.
func (s *Store) writeInventory(tag string, head inventoryHead) (v1.Hash, error) {
	data, err := json.Marshal(head)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("internal error: encoding the inventory of %s: %w", tag, err)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("internal error: %w", err)
	}
	packed := w.EncodeAll(data, nil)
	digest, _, err := v1.SHA256(bytes.NewReader(packed))
	if err != nil {
		return v1.Hash{}, err
	}
	return digest, s.writeFile("roots/"+tag+inventorySuffix, packed)
}

// inventory reads what a root has to be, once the record vouches for it.
func (v *View) inventory(r Root) (m inventory, err error) {
	if m.inventoryHead, err = v.inventoryHead(r); err != nil {
		return inventory{}, err
	}
	err = v.readPlace(r.Tag, m.Tree, func(part io.ReadSeeker) error {
		return readListed(part, func(e *listed) error {
			m.nodes = append(m.nodes, e.node())
			return nil
		})
	})
	if err != nil {
		return inventory{}, fmt.Errorf("reading the inventory of %s: %w", r.Tag, err)
	}
	return m, nil
}

// inventoryHead reads of an inventory what it says of the image.
func (v *View) inventoryHead(r Root) (head inventoryHead, err error) {
	path := v.inventoryPath(r.Tag)
	packed, err := v.packedInventory(r)
	if err != nil {
		return inventoryHead{}, err
	}
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return inventoryHead{}, err
	}
	defer z.Close()
	if err := json.NewDecoder(z).Decode(&head); err != nil {
		return inventoryHead{}, fmt.Errorf("reading %s: %w", path, err)
	}
	if head.Tree == (place{}) {
		return inventoryHead{}, noInventory(r.Tag)
	}
	return head, nil
}

// packedInventory reads an inventory as it lies on the disk.
func (v *View) packedInventory(r Root) ([]byte, error) {
	if r.Inventory == (v1.Hash{}) {
		return nil, noInventory(r.Tag)
	}
	path := v.inventoryPath(r.Tag)
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	got, _, err := v1.SHA256(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	if got != r.Inventory {
		return nil, fmt.Errorf("%s is damaged: its digest is %s, and the record says %s; unpack the image again under another tag", path, got, r.Inventory)
	}
	return packed, nil
}

func noInventory(tag string) error {
	return fmt.Errorf("root %s: %w: an earlier rootbuild unpacked it; unpack the image again under another tag", tag, ErrNoInventory)
}

// headOf tells of an image what its manifest and history say.
func headOf(img v1.Image) (inventoryHead, error) {
	digest, err := img.Digest()
	if err != nil {
		return inventoryHead{}, fmt.Errorf("reading the image's digest: %w", err)
	}
	parts, err := img.Manifest()
	if err != nil {
		return inventoryHead{}, fmt.Errorf("reading the image's manifest: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return inventoryHead{}, fmt.Errorf("reading the image's config: %w", err)
	}
	// Entries of no layer are what builders of other images leave there.
	history := slices.DeleteFunc(slices.Clone(config.History), func(h v1.History) bool { return h.EmptyLayer })
	head := inventoryHead{Digest: digest, Layers: []Layer{}}
	for i, l := range parts.Layers {
		layer := Layer{Digest: l.Digest, Size: l.Size}
		if i < len(history) {
			layer.CreatedBy = history[i].CreatedBy
		}
		head.Layers = append(head.Layers, layer)
	}
	return head, nil
}

// list puts the finished tree behind the listings of its layers, name by name.
func (t *tree) list() (err error) {
	t.lister.start()
	first := map[*inode]string{} // of those with several names
	for _, name := range t.names {
		if err := t.lister.list(t.listed(name, first)); err != nil {
			return err
		}
	}
	t.lister.tree, err = t.lister.stop()
	return err
}

func (t *tree) listed(name string, first map[*inode]string) listed {
	if d, ok := t.dirs[name]; ok {
		return d.listed(tar.TypeDir, name)
	}
	i := t.files[name].inode
	if holder, ok := first[i]; ok {
		return listed{Type: tar.TypeLink, Name: name, Linkname: holder}
	}
	if i.linked {
		first[i] = name
	}
	return i.listed(name)
}
