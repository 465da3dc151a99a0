package nfsroot

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"
)

// maxDonors is how many roots are asked for layers. Those that are older seldom
// have one that these lack.
const maxDonors = 4

// delta is how files of other roots become files of the one that is unpacked.
type delta struct {
	donors    []*donor
	link      bool            // hard links are wanted
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
	view   *View
	tag    string
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
	tag   string
	cause error
}

// Error names the root.
func (e *donorError) Error() string { return fmt.Sprintf("root %s: %v", e.tag, e.cause) }

// Unwrap returns the cause.
func (e *donorError) Unwrap() error { return e.cause }

// donors finds roots that have layers of the manifest: the current one first,
// then the newest. A root of which that cannot be read gives nothing, as is noted.
func (v *View) donors(m *v1.Manifest, note func(string)) ([]*donor, error) {
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
	wanted := map[v1.Hash]bool{}
	for _, l := range m.Layers {
		wanted[l.Digest] = true
	}
	var list []*donor
	for _, r := range roots[:min(len(roots), maxDonors)] {
		d, err := v.donor(r, wanted)
		if err != nil && !errors.Is(err, ErrNoInventory) {
			note(fmt.Sprintf("no layer is taken from root %s: %v", r.Tag, err))
		}
		if err != nil || d == nil {
			continue
		}
		for digest := range d.layers {
			delete(wanted, digest)
		}
		list = append(list, d)
	}
	return list, nil
}

// donor returns a root as the giver of wanted layers, and nil if it has none.
func (v *View) donor(r Root, wanted map[v1.Hash]bool) (*donor, error) {
	head, err := v.inventoryHead(r)
	if err != nil {
		return nil, err
	}
	d := &donor{view: v, tag: r.Tag, layers: map[v1.Hash]donorLayer{}}
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
	d.way, err = openWay(v.Path(r.Tag))
	return d, err
}

// readStamps reads those of the layers that are wanted.
func (d *donor) readStamps(head inventoryHead) error {
	next := 0
	return d.view.readPlace(d.tag, head.Stamps, func(part io.ReadSeeker) error {
		return decodeAll(part, func(s *stamps) error {
			if next < len(head.Layers) {
				digest := head.Layers[next].Digest
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

// given is a file of another root that should hold what an entry wants: it lies
// there where it is to lie here.
type given struct {
	donor *donor
	stamp stamp
	sum   [sha256.Size]byte
	size  int64
	dir   openDir
	leaf  string
	file  *os.File
}

// locate finds the file by the name that it is to have.
func (g *given) locate(dir, leaf string) (err error) {
	g.leaf = leaf
	if g.dir, err = g.donor.way.open(dir); err != nil {
		return &donorError{g.donor.tag, err}
	}
	return nil
}

// unchanged says whether the file is the one that was unpacked, or one of it
// cannot tell: then reading it does.
func (g *given) unchanged() (st unix.Stat_t, ok bool) {
	st, err := g.dir.stat(g.leaf)
	return st, err == nil && g.stamp.holds(st) && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == g.size
}

// open opens the file. That it still has the bytes that it had is for its reader
// to find out.
func (g *given) open() (err error) {
	if g.file != nil {
		_, err := g.file.Seek(0, io.SeekStart)
		return err
	}
	if g.file, err = g.dir.read(g.leaf); err != nil {
		return &donorError{g.donor.tag, err}
	}
	info, err := g.file.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != g.size) {
		err = g.damaged()
	}
	return err
}

func (g *given) close() error {
	if g.file == nil {
		return nil
	}
	return g.file.Close()
}

func (g *given) damaged() error {
	return &donorError{g.donor.tag, fmt.Errorf("%q is not what its image says: see rootbuild check", path.Join(g.dir.name, g.leaf))}
}

// Read tells a fault of the disk as one of the root: the layer can do without.
func (g *given) Read(b []byte) (int, error) {
	n, err := g.file.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &donorError{g.donor.tag, err}
	}
	return n, err
}

// check fails unless the bytes that were taken are those that were wanted.
func (g *given) check(sum [sha256.Size]byte) error {
	if sum != g.sum {
		return g.damaged()
	}
	return nil
}

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
	err := d.view.readPlace(d.tag, l.place, func(part io.ReadSeeker) error {
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
		return &donorError{d.tag, err}
	}
	return err
}

func (t *tree) takeEntry(d *donor, e *listed, s stamp) (err error) {
	var content io.Reader = bytes.NewReader(nil)
	if e.Type == tar.TypeReg && e.Size > 0 {
		if s.inode == 0 {
			return &donorError{d.tag, fmt.Errorf("it has %q no more: a layer above took its place", e.Name)}
		}
		if len(e.Sum) != sha256.Size {
			return &donorError{d.tag, fmt.Errorf("its listing does not tell what %q holds", e.Name)}
		}
		file := &given{donor: d, stamp: s, sum: [sha256.Size]byte(e.Sum), size: e.Size}
		defer func() { err = errors.Join(err, file.close()) }()
		content = file
	}
	hdr := e.header()
	if err := t.apply(&hdr, content); err != nil {
		return fmt.Errorf("entry %q: %w", e.Name, err)
	}
	return nil
}
