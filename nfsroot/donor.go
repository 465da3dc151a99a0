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
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"
)

// maxDonors is how many roots are asked for layers: to read an inventory takes
// as long as to unpack a small layer.
const maxDonors = 4

// delta is how files of other roots become files of the one that is unpacked.
type delta struct {
	donors    []*donor
	link      bool // hard links are wanted
	noReflink bool // the file system has none
	linked    map[inodeKey]bool
	layers    int // that were taken
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
	layers map[v1.Hash]listingPlace // by the layer's digest
	dir    *os.File
	files  *heldFiles
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
	m, err := v.inventoryHead(r)
	if err != nil {
		return nil, err
	}
	d := &donor{view: v, tag: r.Tag, layers: map[v1.Hash]listingPlace{}}
	for i, p := range m.Listings {
		if i < len(m.Layers) && wanted[m.Layers[i].Digest] {
			d.layers[m.Layers[i].Digest] = p
		}
	}
	if len(d.layers) == 0 {
		return nil, nil
	}
	if d.files, err = v.readHeld(r.Tag, m.Held); err != nil {
		return nil, err
	}
	d.dir, err = os.Open(v.Path(r.Tag))
	return d, err
}

func (d *donor) close() error { return d.dir.Close() }

// give returns the file of an entry.
func (d *donor) give(e *listed) (*given, error) {
	h, ok := d.files.find(e.Sum)
	if !ok {
		return nil, &donorError{d.tag, fmt.Errorf("no file has the content of %q: a layer above took its place", e.Header.Name)}
	}
	return &given{held: h, donor: d, size: e.Header.Size}, nil
}

// openName opens a name of the root in one call, where os.Root takes one for each
// directory on the way.
func (d *donor) openName(name string) (*os.File, error) {
	fd, err := unix.Openat2(int(d.dir.Fd()), name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return nil, &os.PathError{Op: "openat2", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// given is a file of another root that should hold what an entry wants.
type given struct {
	held
	donor *donor
	size  int64
	file  *os.File
}

// unchanged says whether it is the file that was unpacked, or one of it cannot
// tell: then reading it does.
func (g *given) unchanged() (st unix.Stat_t, ok bool) {
	err := unix.Fstatat(int(g.donor.dir.Fd()), g.Name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return st, err == nil && stampOf(st) == g.Stamp && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size == g.size
}

// open opens the file. That it still has the bytes that it had is for its reader
// to find out.
func (g *given) open() (err error) {
	if g.file != nil {
		_, err := g.file.Seek(0, io.SeekStart)
		return err
	}
	if g.file, err = g.donor.openName(g.Name); err != nil {
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
	return &donorError{g.donor.tag, fmt.Errorf("%q is not what its image says: see rootbuild check", g.Name)}
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
	if sum != g.Sum {
		return g.damaged()
	}
	return nil
}

// takeLayer unpacks a layer out of another root, and says whether it could. If
// not, what it did is no more than what the layer itself does first.
func (t *tree) takeLayer(ctx context.Context, digest, diffID v1.Hash) (bool, error) {
	for _, d := range t.delta.donors {
		p, ok := d.layers[digest]
		if !ok || p.DiffID != diffID {
			continue
		}
		limits := t.limits
		err := t.takeFrom(ctx, d, p)
		var refused *donorError
		if err == nil {
			t.delta.layers++
		}
		if !errors.As(err, &refused) {
			return err == nil, err
		}
		t.limits = limits
		t.delta.note(fmt.Sprintf("layer %s is unpacked anew: %v", digest, refused))
	}
	return false, nil
}

func (t *tree) takeFrom(ctx context.Context, d *donor, p listingPlace) error {
	var inner error // what is no fault of the donor's listing
	err := d.view.readPlace(d.tag, p.place, func(part io.ReadSeeker) error {
		t.layer++
		err := decodeAll(part, func(e *listed) error {
			if inner = ctx.Err(); inner == nil {
				inner = t.takeEntry(d, e)
			}
			return inner
		})
		if err != nil {
			return err
		}
		if _, err := part.Seek(0, io.SeekStart); err != nil {
			return err
		}
		inner = t.lister.take(p.DiffID, part)
		return inner
	})
	if err != nil && inner == nil {
		return &donorError{d.tag, err}
	}
	return err
}

func (t *tree) takeEntry(d *donor, e *listed) (err error) {
	var content io.Reader = bytes.NewReader(nil)
	if e.Header.Typeflag == tar.TypeReg && e.Header.Size > 0 {
		f, err := d.give(e)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.close()) }()
		content = f
	}
	if err := t.apply(&e.Header, content); err != nil {
		return fmt.Errorf("entry %q: %w", e.Header.Name, err)
	}
	return nil
}
