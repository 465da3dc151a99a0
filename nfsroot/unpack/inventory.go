package unpack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// ErrNoInventory is wrapped by errors about a root that an earlier rootbuild
// unpacked, which kept no inventory of the tree.
var ErrNoInventory = errors.New("no inventory was kept of its tree")

// Root is a tree that was unpacked, with what is kept of it.
type Root struct {
	Name  string  // in what is said of it
	Dir   string  // its tree
	Image v1.Hash // that it was unpacked from, as is recorded of it

	// Inventory is the file of [Result.Inventory]. InventoryDigest vouches for it,
	// and is zero where none was kept.
	Inventory       string
	InventoryDigest v1.Hash

	Listings string // file of [Options.Listings]
}

// inventory is what a root has to be, as its image says: the layers and every
// name. It is kept because the master need not keep the image.
type inventory struct {
	head
	nodes []node // by name
}

// head is what the inventory's file holds, JSON packed with zstd.
type head struct {
	Digest v1.Hash      `json:"digest"`
	Layers []imageLayer `json:"layers"`

	// Where in the listings' file the layers are, the finished tree and its
	// stamps. An earlier rootbuild kept no tree there.
	Listings []listingPlace `json:"listings,omitempty"`
	Tree     place          `json:"tree,omitzero"`
	Stamps   place          `json:"stamps,omitzero"`
}

// imageLayer is a layer of the image that a root was unpacked from.
type imageLayer struct {
	Digest    v1.Hash `json:"digest"`
	Size      int64   `json:"size"` // packed
	CreatedBy string  `json:"created_by"`
}

// pack returns the head as its file has it.
func (h head) pack() ([]byte, error) {
	data, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("internal error: encoding the inventory: %w", err)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	return w.EncodeAll(data, nil), nil
}

// inventory reads what a root has to be.
func (r Root) inventory() (m inventory, err error) {
	if m.head, err = r.head(); err != nil {
		return inventory{}, err
	}
	err = r.read(m.Tree, func(part io.ReadSeeker) error {
		return readListed(part, func(e *listed) error {
			m.nodes = append(m.nodes, e.node())
			return nil
		})
	})
	if err != nil {
		return inventory{}, fmt.Errorf("reading the inventory of %s: %w", r.Name, err)
	}
	return m, nil
}

// head reads of an inventory what it says of the image.
func (r Root) head() (h head, err error) {
	packed, err := r.packed()
	if err != nil {
		return head{}, err
	}
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return head{}, err
	}
	defer z.Close()
	if err := json.NewDecoder(z).Decode(&h); err != nil {
		return head{}, fmt.Errorf("reading %s: %w", r.Inventory, err)
	}
	if h.Tree == (place{}) {
		return head{}, r.noInventory()
	}
	return h, nil
}

// packed reads an inventory as it lies on the disk, if it is what it was.
func (r Root) packed() ([]byte, error) {
	if r.InventoryDigest == (v1.Hash{}) {
		return nil, r.noInventory()
	}
	packed, err := safeopen.Read(r.Inventory, safeopen.Unlimited)
	if err != nil {
		return nil, err
	}
	got, _, err := v1.SHA256(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	if got != r.InventoryDigest {
		return nil, fmt.Errorf("%s is damaged: its digest is %s, and the record says %s; unpack the image again under another tag", r.Inventory, got, r.InventoryDigest)
	}
	return packed, nil
}

func (r Root) noInventory() error {
	return fmt.Errorf("root %s: %w: an earlier rootbuild unpacked it; unpack the image again under another tag", r.Name, ErrNoInventory)
}

// headOf tells of an image what its manifest and history say.
func headOf(img v1.Image) (head, error) {
	digest, err := img.Digest()
	if err != nil {
		return head{}, fmt.Errorf("reading the image's digest: %w", err)
	}
	parts, err := img.Manifest()
	if err != nil {
		return head{}, fmt.Errorf("reading the image's manifest: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return head{}, fmt.Errorf("reading the image's config: %w", err)
	}
	// Entries of no layer are what builders of other images leave there.
	history := slices.DeleteFunc(slices.Clone(config.History), func(h v1.History) bool { return h.EmptyLayer })
	h := head{Digest: digest, Layers: []imageLayer{}}
	for i, l := range parts.Layers {
		layer := imageLayer{Digest: l.Digest, Size: l.Size}
		if i < len(history) {
			layer.CreatedBy = history[i].CreatedBy
		}
		h.Layers = append(h.Layers, layer)
	}
	return h, nil
}
