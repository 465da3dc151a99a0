package oci

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// DamagedError says that bytes are not what their digest promises.
type DamagedError struct{ Got v1.Hash }

// Error implements error.
func (e *DamagedError) Error() string { return fmt.Sprintf("its bytes have digest %s", e.Got) }

// NewVerifier reads an object. In place of io.EOF its end is an error, unless size
// and digest are those of the descriptor.
func NewVerifier(r io.Reader, want v1.Descriptor) io.Reader {
	// One byte past the size is enough to know that there are too many.
	return &verifier{r: io.LimitReader(r, want.Size+1), want: want, sum: sha256.New()}
}

type verifier struct {
	r    io.Reader
	want v1.Descriptor
	sum  hash.Hash
	size int64
}

// Read implements io.Reader.
func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.sum.Write(p[:n])
	v.size += int64(n)
	if errors.Is(err, io.EOF) {
		err = v.end()
	}
	return n, err
}

func (v *verifier) end() error {
	if v.size != v.want.Size {
		return fmt.Errorf("its size is not the %d bytes of the manifest", v.want.Size)
	}
	if got := digestOf(v.sum); got != v.want.Digest {
		return &DamagedError{got}
	}
	return io.EOF
}
