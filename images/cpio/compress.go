package cpio

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// compressors are the endings of an archive's name, and how it is packed then.
var compressors = []struct {
	ending string
	open   func(io.Writer) (io.WriteCloser, error)
}{
	{".cpio", func(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil }},
	{".cpio.gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }},
	{".cpio.zst", newZstd},
}

// newZstd packs for the kernel, which takes windows up to 128 MiB; one of 8 is
// unpacked in the memory of any node. One goroutine gives one result.
func newZstd(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(8<<20),
		zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(1),
	)
}

// Compress returns a writer that packs an archive as the ending of its name
// says: .cpio, .cpio.gz or .cpio.zst. Close it to write the end.
func Compress(w io.Writer, name string) (io.WriteCloser, error) {
	var endings []string
	for _, c := range compressors {
		if strings.HasSuffix(name, c.ending) {
			return c.open(w)
		}
		endings = append(endings, c.ending)
	}
	return nil, fmt.Errorf("%s: its name ends in none of %s", name, strings.Join(endings, ", "))
}

// nopCloser is a writer whose end needs nothing.
type nopCloser struct{ io.Writer }

// Close implements io.Closer.
func (nopCloser) Close() error { return nil }
