package nfsroot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
)

// ErrNoInventory is wrapped by errors about a root that an earlier rootbuild
// unpacked, which kept no inventory of the tree.
var ErrNoInventory = errors.New("no inventory was kept of its tree")

// inventory is what a root has to be, as its image says: the layers and every
// name. It is kept because the master need not keep the image. On disk it is
// a line of JSON for the image and one for each name, packed with zstd.
type inventory struct {
	inventoryHead
	nodes []Node // by name
}

type inventoryHead struct {
	Digest v1.Hash `json:"digest"`
	Layers []Layer `json:"layers"`

	// Listings are those of the layers; an earlier rootbuild kept none.
	Listings []listingPlace `json:"listings,omitempty"`

	// Held are the root's files, behind the listings.
	Held place `json:"held,omitzero"`
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
func (s *Store) writeInventory(tag string, m inventory) (v1.Hash, error) {
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("internal error: %w", err)
	}
	encoder := json.NewEncoder(w)
	err = encoder.Encode(m.inventoryHead)
	for _, n := range m.nodes {
		err = errors.Join(err, encoder.Encode(n))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return v1.Hash{}, fmt.Errorf("encoding the inventory of %s: %w", tag, err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(packed.Bytes()))
	if err != nil {
		return v1.Hash{}, err
	}
	return digest, s.writeFile("roots/"+tag+inventorySuffix, packed.Bytes())
}

// inventory reads what a root has to be, once the record vouches for it.
func (v *View) inventory(r Root) (inventory, error) {
	packed, err := v.packedInventory(r)
	if err != nil {
		return inventory{}, err
	}
	m, err := decodeInventory(bytes.NewReader(packed))
	if err != nil {
		return inventory{}, fmt.Errorf("reading %s: %w", v.inventoryPath(r.Tag), err)
	}
	return m, nil
}

// inventoryHead reads of an inventory what it says of the image.
func (v *View) inventoryHead(r Root) (head inventoryHead, err error) {
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
		return inventoryHead{}, fmt.Errorf("reading %s: %w", v.inventoryPath(r.Tag), err)
	}
	return head, nil
}

// packedInventory reads an inventory as it lies on the disk.
func (v *View) packedInventory(r Root) ([]byte, error) {
	if r.Inventory == (v1.Hash{}) {
		return nil, fmt.Errorf("root %s: %w: an earlier rootbuild unpacked it; unpack the image again under another tag", r.Tag, ErrNoInventory)
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

func decodeInventory(packed io.Reader) (inventory, error) {
	r, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return inventory{}, err
	}
	defer r.Close()
	decoder := json.NewDecoder(r)
	var m inventory
	if err := decoder.Decode(&m.inventoryHead); err != nil {
		return inventory{}, err
	}
	for {
		var n Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return inventory{}, err
		}
		m.nodes = append(m.nodes, n)
	}
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

// describe lists the unpacked tree by what its image says.
func (t *tree) describe() []Node {
	list := make([]Node, 0, len(t.files)+len(t.dirs))
	for name, a := range t.dirs {
		list = append(list, nodeOf(name, typeDir, a))
	}
	first := map[*inode]string{}
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		f := t.files[name]
		if holder, ok := first[f]; ok {
			list = append(list, Node{Name: Name(name), Type: typeLink, Target: Name(holder)})
			continue
		}
		first[f] = name
		list = append(list, f.node(name))
	}
	sortNodes(list)
	return list
}
