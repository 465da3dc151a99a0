package unpack

import (
	"bytes"
	"os"
)

// holeSize is how many zeros in a row become a hole: a block of most file systems.
const holeSize = 4096

var zeros [holeSize]byte

// holeWriter writes a new file, and leaves out what is zero. Its end has to be set when
// all is written.
type holeWriter struct {
	file *os.File
	at   int64 // that was written, or left out
	hole bool  // the last of it
}

// Write implements io.Writer.
func (w *holeWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := run(rest)
		if w.hole = n == 0; w.hole {
			n = min(len(rest), holeSize)
		} else if _, err := w.file.WriteAt(rest[:n], w.at); err != nil {
			return len(p) - len(rest), err
		}
		w.at += int64(n)
		rest = rest[n:]
	}
	return len(p), nil
}

// run returns how many bytes come before zeros that are left out.
func run(p []byte) int {
	n := 0
	for len(p)-n >= holeSize && !bytes.Equal(p[n:n+holeSize], zeros[:]) {
		n += holeSize
	}
	if len(p)-n < holeSize {
		return len(p)
	}
	return n
}

// end gives the file its size.
func (w *holeWriter) end() error {
	if !w.hole {
		return nil
	}
	return w.file.Truncate(w.at)
}
