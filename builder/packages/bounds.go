package packages

import (
	"fmt"
	"io"
)

// The bounds of an output, in bytes: many times what a compiler takes. They are variables
// for the tests.
var (
	maxPacked   int64 = 4 << 30
	maxUnpacked int64 = 16 << 30
)

// check refuses a layer that is too large, before it moves.
func (l Layer) check() error {
	if l.Size > maxPacked {
		return fmt.Errorf("it has %d bytes, and a package at most %d", l.Size, maxPacked)
	}
	return nil
}

// bounded reads no more than so many bytes.
type bounded struct {
	io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("it unpacks to more than %d bytes", maxUnpacked)
	}
	n, err := b.Reader.Read(p)
	b.left -= int64(n)
	return n, err
}
