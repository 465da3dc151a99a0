package distfiles

import (
	"errors"
	"fmt"
	"strings"
)

var errOffline = errors.New("not asked: the network is off")

// errHost is of a host that no recipe of ours names.
var errHost = errors.New("not asked: only the image names this host; if you trust it, allow it with --source-host HOST")

// sizeError says that there is more than any source has.
type sizeError struct{ limit int64 }

func (e sizeError) Error() string {
	return fmt.Sprintf("it has more than %d bytes, which is more than is fetched for a source", e.limit)
}

// sourceError is the paragraph about one source that could not be had.
type sourceError struct {
	job     job
	reasons []error
	store   bool // the store is at fault, so asking further is no use
}

func (e *sourceError) add(where string, err error) {
	var fault storeError
	e.store = e.store || errors.As(err, &fault)
	e.reasons = append(e.reasons, fmt.Errorf("%s: %w", where, err))
}

// Error lists every place with its reason, then what to do.
func (e *sourceError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "fetching source %s (sha256 %s):", strings.Join(e.job.names, ", "), e.job.sum)
	for _, reason := range e.reasons {
		fmt.Fprintf(&text, "\n  %s", strings.ReplaceAll(reason.Error(), "\n", "\n    "))
	}
	if len(e.job.origins) == 0 {
		text.WriteString("\n  it names no origin")
	}
	if e.store {
		text.WriteString("\n  make the source store writable and give it room, then run again")
	} else {
		fmt.Fprintf(&text, "\n  put %s into a directory and name it with --distdir", e.job.names[0])
	}
	return text.String()
}

// Unwrap returns the reasons, so that a full disk can be told from a lost host.
func (e *sourceError) Unwrap() []error { return e.reasons }
