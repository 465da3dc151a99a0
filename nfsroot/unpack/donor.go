package unpack

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// delta is how files of other roots become files of the one that is unpacked.
type delta struct {
	donors    []*donor
	link      bool // hard links are wanted
	renewals  Renewals
	linked    map[uint64]bool // inodes that a stamp does not tell of, so that they may have several names
	noReflink bool            // the file system has none
	layers    int             // that were taken
	note      func(string)
}

func (d *delta) close() error {
	var errs []error
	for _, r := range d.donors {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}

// donor is a root that has layers of the image that is being unpacked.
type donor struct {
	Root
	layers map[v1.Hash]donorLayer // by digest
	way    way
}

// donorLayer is a layer that a root has.
type donorLayer struct {
	listingPlace
	stamps stamps
}

// donorError says that a root could not give what it should have. The layer
// itself is then unpacked.
type donorError struct {
	root  string // its name
	cause error
}

// Error names the root.
func (e *donorError) Error() string { return fmt.Sprintf("root %s: %v", e.root, e.cause) }

// Unwrap returns the cause.
func (e *donorError) Unwrap() error { return e.cause }

// donorsOf finds among the donors those that have layers of the manifest. One of
// which that cannot be read gives nothing, as is noted.
func donorsOf(m *v1.Manifest, o Options) []*donor {
	wanted := map[v1.Hash]bool{}
	for _, l := range m.Layers {
		wanted[l.Digest] = true
	}
	if o.Labels == KeepLabels || o.Labels == RefuseLabels {
		return nil // their listings may have lost them
	}
	var list []*donor
	for _, r := range o.Donors {
		d, err := newDonor(r, wanted)
		if err != nil && !errors.Is(err, ErrNoInventory) {
			o.Note(fmt.Sprintf("no layer is taken from root %s: %v", r.Name, err))
		}
		if err != nil || d == nil {
			continue
		}
		for digest := range d.layers {
			delete(wanted, digest)
		}
		list = append(list, d)
	}
	return list
}

// newDonor returns a root as the giver of wanted layers, and nil if it has none.
func newDonor(r Root, wanted map[v1.Hash]bool) (*donor, error) {
	head, err := r.head()
	if err != nil {
		return nil, err
	}
	d := &donor{Root: r, layers: map[v1.Hash]donorLayer{}}
	for i, p := range head.Listings {
		if i < len(head.Layers) && wanted[head.Layers[i].Digest] {
			d.layers[head.Layers[i].Digest] = donorLayer{listingPlace: p}
		}
	}
	if len(d.layers) == 0 {
		return nil, nil
	}
	if err := d.readStamps(head); err != nil {
		return nil, err
	}
	d.way, err = openWay(r.Dir)
	return d, err
}

// readStamps reads those of the layers that are wanted.
func (d *donor) readStamps(h head) error {
	next := 0
	return d.read(h.Stamps, func(part io.ReadSeeker) error {
		return decodeAll(part, func(s *stamps) error {
			if next < len(h.Layers) {
				digest := h.Layers[next].Digest
				if l, ok := d.layers[digest]; ok {
					l.stamps = *s
					d.layers[digest] = l
				}
			}
			next++
			return nil
		})
	})
}

func (d *donor) close() error { return d.way.close() }

// takeLayer unpacks a layer out of another root, and says whether it could. If
// not, what it did is no more than what the layer itself does first.
func (t *tree) takeLayer(ctx context.Context, digest, diffID v1.Hash) (bool, error) {
	for _, d := range t.delta.donors {
		l, ok := d.layers[digest]
		if !ok || l.DiffID != diffID {
			continue
		}
		limits, from := t.limits, len(t.inodes)
		err := t.takeFrom(ctx, d, l)
		var refused *donorError
		if err == nil {
			t.delta.layers++
			t.spans = append(t.spans, span{from, len(t.inodes)})
		}
		if !errors.As(err, &refused) {
			return err == nil, err
		}
		t.limits = limits
		t.delta.note(fmt.Sprintf("layer %s is unpacked anew: %v", digest, refused))
	}
	return false, nil
}

func (t *tree) takeFrom(ctx context.Context, d *donor, l donorLayer) error {
	var inner error // what is no fault of the donor's listing
	err := d.read(l.place, func(part io.ReadSeeker) error {
		t.layer++
		err := readListed(part, func(e *listed) error {
			s, err := l.stamps.next()
			if err != nil {
				return err
			}
			if inner = ctx.Err(); inner == nil {
				inner = t.takeEntry(d, e, s)
			}
			return inner
		})
		if err != nil {
			return err
		}
		if _, err := part.Seek(0, io.SeekStart); err != nil {
			return err
		}
		inner = t.lister.take(l.DiffID, part)
		return inner
	})
	if err != nil && inner == nil {
		return &donorError{d.Name, err}
	}
	return err
}

func (t *tree) takeEntry(d *donor, e *listed, s stamp) (err error) {
	if labelled(e.PAX, e.Type) {
		return &donorError{d.Name, fmt.Errorf("its %q has labels", e.Name)}
	}
	var content io.Reader = bytes.NewReader(nil)
	if e.Type == tar.TypeReg && e.Size > 0 {
		if s.inode == 0 {
			return &donorError{d.Name, fmt.Errorf("it has %q no more: a layer above took its place", e.Name)}
		}
		if len(e.Sum) != sha256.Size {
			return &donorError{d.Name, fmt.Errorf("its listing does not tell what %q holds", e.Name)}
		}
		file := &given{donor: d, stamp: s, renewals: t.delta.renewals, sum: [sha256.Size]byte(e.Sum), size: e.Size}
		defer func() { err = errors.Join(err, file.close()) }()
		content = file
	}
	hdr := e.header()
	if err := t.apply(&hdr, content); err != nil {
		return fmt.Errorf("entry %q: %w", e.Name, err)
	}
	return nil
}
