package cli

import (
	"errors"

	"github.com/docker/go-units"
)

// Size is the value of a flag, in bytes; 0 where it is not given.
type Size int64

// Set takes a number of bytes, or one such as 512MiB or 2g.
func (s *Size) Set(text string) error {
	n, err := units.RAMInBytes(text)
	if err != nil || n <= 0 {
		return errors.New("want a size such as 512MiB or 2GiB")
	}
	*s = Size(n)
	return nil
}

// Type tells in the help what Set takes.
func (*Size) Type() string { return "size" }

// String returns what was set.
func (s *Size) String() string {
	if *s == 0 {
		return ""
	}
	return units.BytesSize(float64(*s))
}
