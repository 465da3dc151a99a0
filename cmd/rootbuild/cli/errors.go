package cli

import (
	"errors"
	"fmt"
	"io"
)

// UsageError marks what is wrong with the command line or with the files that it
// names, in contrast to work that failed. It says what the error in it says.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e UsageError) Unwrap() error { return e.Err }

// UsageErrorf is fmt.Errorf for what is wrong with the command line.
func UsageErrorf(format string, args ...any) error {
	return UsageError{Err: fmt.Errorf(format, args...)}
}

// Closing closes c at the end of a function and adds its error to the result.
func Closing(c io.Closer, err *error) {
	*err = errors.Join(*err, c.Close())
}
