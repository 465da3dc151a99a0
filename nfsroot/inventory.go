package nfsroot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
func (s *Store) writeInventory(tag string, head inventoryHead, t *tree) (_ v1.Hash, err error) {
	out, err := s.create("roots/" + tag + inventorySuffix)
	if err != nil {
		return v1.Hash{}, err
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }()
	sum := sha256.New()
	w, err := zstd.NewWriter(io.MultiWriter(out, sum), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(listingWindow))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("internal error: %w", err)
	}
	encoder := json.NewEncoder(w)
	err = encoder.Encode(head)
	if err == nil {
		err = t.each(func(_ string, n Node) error { return encoder.Encode(n) })
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return v1.Hash{}, fmt.Errorf("writing the inventory of %s: %w", tag, err)
	}
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}, replace(out)
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

// each describes the finished tree by what its image says, name by name.
func (t *tree) each(f func(name string, n Node) error) error {
	first := map[*inode]string{} // of those with several names
	for _, name := range t.names {
		if err := f(name, t.node(name, first)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) node(name string, first map[*inode]string) Node {
	if d, ok := t.dirs[name]; ok {
		return nodeOf(name, typeDir, d.attr)
	}
	i := t.files[name].inode
	if holder, ok := first[i]; ok {
		return Node{Name: Name(name), Type: typeLink, Target: Name(holder)}
	}
	if i.linked {
		first[i] = name
	}
	return i.node(name)
}
