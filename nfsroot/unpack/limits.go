package unpack

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
)

// DefaultMaxEntries is how many entries an image may have in all its layers, with
// the directories that none of them describes, unless [Options] say otherwise.
const DefaultMaxEntries = 250_000

// What one image may ask of a master. A root of a whole distribution with a
// desktop has as many names, and packs to a third or a fourth.
const (
	entryTexts  = 100       // bytes of name, target of a link and extended attributes, on average
	maxName     = 4095      // bytes of a name, as in a system call
	maxDepth    = 256       // directories in a name
	entrySteps  = 50        // names on the way to an entry's directory, through symlinks, on average
	freeContent = 256 << 20 // bytes that layers may unpack to, however well they are packed
	maxRatio    = 100       // bytes more for each byte of the layers as they are packed
)

// limits is what an image may still ask for. Each entry stays in memory until
// its root is complete, and a few bytes of zstd can stand for a terabyte.
type limits struct {
	max     int // entries in all
	entries int
	texts   int64
	steps   int64 // from name to name, to find where entries lie
	files   int64 // bytes of content: a sparse file has more than its archive
	stream  int64 // bytes of uncompressed layers
}

// limitsOf returns the limits of an image with layers of this size; no entries
// stand for as many as are allowed by default.
// A size stands for what its files may have in all, 0 for what its packed size allows.
func limitsOf(packed int64, entries int, size int64) limits {
	entries = cmp.Or(entries, DefaultMaxEntries)
	content := cmp.Or(size, freeContent+maxRatio*min(packed, 1<<50))
	return limits{max: entries, entries: entries, texts: int64(entries) * entryTexts, steps: int64(entries) * entrySteps, files: content, stream: content}
}

// take notes one name with its texts and its content.
func (l *limits) take(name string, texts int, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	l.entries--
	l.texts -= int64(len(name) + texts)
	l.files -= size
	switch {
	case l.entries < 0:
		return fmt.Errorf("the image has more than %d entries; --max-entries allows more", l.max)
	case l.texts < 0:
		return fmt.Errorf("the image has more than %d MB of names and attributes, as %d entries may have", l.max*entryTexts/1_000_000, l.max)
	case l.files < 0 || size < 0:
		return errTooMuch
	}
	return nil
}

// step notes that one more name was looked at on the way to an entry.
func (l *limits) step() error {
	if l.steps--; l.steps < 0 {
		return fmt.Errorf("the ways to its entries lead over more than %d names, as those to %d entries may: its symlinks lead over too many", int64(l.max)*entrySteps, l.max)
	}
	return nil
}

var errTooMuch = fmt.Errorf("the image unpacks to more than %d times its size and %d MiB, or than --max-size, which allows more", maxRatio, freeContent>>20)

// checkName refuses what no path of a system call could name.
func checkName(name string) error {
	switch {
	case len(name) > maxName:
		return fmt.Errorf("its name is too long: it has %d bytes, more than %d", len(name), maxName)
	case strings.Count(name, "/") >= maxDepth:
		return fmt.Errorf("its name has more than %d directories", maxDepth)
	}
	return nil
}

// limitedReader ends a layer that unpacks to more than its image may have.
type limitedReader struct {
	r      io.Reader
	limits *limits
}

// Read implements io.Reader.
func (l limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.limits.stream -= int64(n); l.limits.stream < 0 {
		return n, errors.Join(errTooMuch, err)
	}
	return n, err
}
