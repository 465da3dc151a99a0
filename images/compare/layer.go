package compare

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/rootbuild/rootbuild/images/oci"
)

// looked is how many bytes a file may have to be looked into: both are held in
// memory.
const looked = 256 << 20

// entry is a path of a layer.
type entry struct {
	facts []fact
	sum   [sha256.Size]byte // of its bytes
}

// layers tells how the files of two layers differ, sorted by path.
func layers(a, b layer) ([]Difference, error) {
	if a.diffID == b.diffID {
		return nil, nil
	}
	from, err := a.entries()
	if err != nil {
		return nil, err
	}
	to, err := b.entries()
	if err != nil {
		return nil, err
	}
	found, changed := entries(from, to)
	inside, err := contents(a, b, changed)
	if err != nil {
		return nil, err
	}
	found = append(found, inside...)
	for i := range found {
		found[i].Layer = a.name
	}
	slices.SortStableFunc(found, func(a, b Difference) int { return cmpPath(a.Path, b.Path) })
	return found, nil
}

// entries compares what headers say, and returns the paths of files with other
// bytes.
func entries(from, to map[string]entry) (found []Difference, changed []string) {
	shift, shifted := shiftOf(from, to)
	if shifted {
		found = append(found, shift)
	}
	for _, p := range slices.Sorted(maps.Keys(from)) {
		a := from[p]
		b, both := to[p]
		if !both {
			found = append(found, Difference{Path: p, Kind: Missing})
			continue
		}
		for _, d := range unlike(a.facts, b.facts, func(f fact) Difference { return Difference{Path: p, Kind: Kind(f.name)} }) {
			if d.Kind != Time || !shifted {
				found = append(found, d)
			}
		}
		if a.sum != b.sum && valueOf(a.facts, string(Type)) == valueOf(b.facts, string(Type)) {
			changed = append(changed, p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(to)) {
		if _, both := from[p]; !both {
			found = append(found, Difference{Path: p, Kind: Added})
		}
	}
	return found, changed
}

// shiftOf is the one difference of a layer whose files all have one time, which
// is another one in the other layer.
func shiftOf(from, to map[string]entry) (Difference, bool) {
	d := Difference{Path: ".", Kind: Time}
	count := 0
	for p, a := range from {
		b, both := to[p]
		if !both {
			continue
		}
		want, have := valueOf(a.facts, string(Time)), valueOf(b.facts, string(Time))
		if count++; count == 1 {
			d.Want, d.Have = want, have
		}
		if want != d.Want || have != d.Have {
			return d, false
		}
	}
	return d, count > 1 && d.Want != d.Have
}

func cmpPath(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "." || a < b && b != ".":
		return -1
	}
	return 1
}

func (l layer) entries() (map[string]entry, error) {
	list := map[string]entry{}
	err := l.each(func(h *tar.Header, content io.Reader) error {
		e := entry{facts: factsOf(h)}
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			return err
		}
		copy(e.sum[:], sum.Sum(nil))
		list[path.Clean(h.Name)] = e
		return nil
	})
	return list, err
}

// contents compares files that have other bytes.
func contents(a, b layer, paths []string) ([]Difference, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	from, err := a.read(paths)
	if err != nil {
		return nil, err
	}
	to, err := b.read(paths)
	if err != nil {
		return nil, err
	}
	var found []Difference
	for _, p := range paths {
		for _, d := range content(from[p], to[p], 0) {
			d.Path = p
			found = append(found, d)
		}
	}
	return found, nil
}

func (l layer) read(paths []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := l.each(func(h *tar.Header, content io.Reader) error {
		p := path.Clean(h.Name)
		if _, wanted := slices.BinarySearch(paths, p); !wanted {
			return nil
		}
		var err error
		files[p], err = io.ReadAll(io.LimitReader(content, looked))
		return err
	})
	return files, err
}

// each calls f for every entry of the layer.
func (l layer) each(f func(h *tar.Header, content io.Reader) error) (err error) {
	blob, err := oci.OpenLayer(l.img, l.index)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	for in := tar.NewReader(blob); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			// The layer's digest is checked at its very end.
			_, err := io.Copy(io.Discard, blob)
			return err
		}
		if err != nil {
			return err
		}
		if err := f(h, in); err != nil {
			return fmt.Errorf("reading /%s: %w", h.Name, err)
		}
	}
}

// factsOf are what a header says, each under the name of the kind that a
// difference of it is.
func factsOf(h *tar.Header) []fact {
	facts := []fact{
		{string(Type), typeName(h.Typeflag)},
		{string(Mode), fmt.Sprintf("%04o", h.Mode&0o7777)},
		{string(Owner), fmt.Sprintf("%d:%d", h.Uid, h.Gid)},
		{string(Time), h.ModTime.UTC().Format(time.RFC3339)},
		{string(Link), h.Linkname},
	}
	if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
		facts = append(facts, fact{string(Device), fmt.Sprintf("%d,%d", h.Devmajor, h.Devminor)})
	}
	if c := h.PAXRecords["SCHILY.xattr.security.capability"]; c != "" {
		facts = append(facts, fact{string(Capability), strconv.Quote(c)})
	}
	return facts
}

var typeNames = map[byte]string{
	tar.TypeReg: "file", tar.TypeLink: "hard link", tar.TypeSymlink: "symlink", tar.TypeDir: "directory",
	tar.TypeChar: "character device", tar.TypeBlock: "block device", tar.TypeFifo: "fifo",
}

func typeName(flag byte) string {
	if name, ok := typeNames[flag]; ok {
		return name
	}
	return strconv.QuoteRune(rune(flag))
}
