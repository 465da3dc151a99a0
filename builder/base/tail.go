package base

import (
	"bytes"
	"io"
)

// tailLines is how much of mmdebstrap's log an error shows: apt tells the cause in its
// last lines.
const tailLines = 15

// A tail passes a log on and keeps its last lines.
type tail struct {
	next io.Writer // may be nil
	kept []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	t.kept = bytes.TrimLeft(t.kept, "\n")
	for extra := bytes.Count(t.kept, []byte("\n")) - tailLines; extra > 0; extra-- {
		t.kept = t.kept[bytes.IndexByte(t.kept, '\n')+1:]
	}
	if t.next == nil {
		return len(p), nil
	}
	return t.next.Write(p)
}

// String returns the kept lines without the final newline.
func (t *tail) String() string {
	return string(bytes.TrimRight(t.kept, "\n"))
}
