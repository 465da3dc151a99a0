package oci

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
)

const bufferSize = 256 << 10

// spool holds the contents of files between reading a tar stream and writing
// it in order. Its file has no name, so nothing is left of it after a kill.
type spool struct {
	file *os.File
	w    *bufio.Writer
	buf  []byte
	size int64
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return nil, fmt.Errorf("creating spool: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("creating spool: %w", err)
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, bufferSize), buf: make([]byte, bufferSize)}, nil
}

// add appends the size bytes that r holds and returns where they begin.
func (s *spool) add(r io.Reader, size int64) (offset int64, err error) {
	offset = s.size
	n, err := s.copy(s.w, r)
	s.size += n
	if err == nil && n != size {
		err = fmt.Errorf("the stream holds %d bytes of %d", n, size)
	}
	return offset, err
}

func (s *spool) flush() error { return s.w.Flush() }

// copyTo writes size bytes from offset to w.
func (s *spool) copyTo(w io.Writer, offset, size int64) error {
	_, err := s.copy(w, io.NewSectionReader(s.file, offset, size))
	return err
}

// copy is io.Copy by way of the spool's buffer: with tens of thousands of
// files, a new buffer for each costs more than the bytes do.
func (s *spool) copy(w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, s.buf)
}

// close gives the space back. The file has no name and nobody reads it again,
// so an error has no consequence.
func (s *spool) close() { s.file.Close() }

// WithContext returns r, whose reads end with the context's error.
func WithContext(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// endReader sees whether a stream ends as a tar must, in two blocks of zeros.
// archive/tar takes a stream cut between two entries for a whole one.
type endReader struct {
	r     io.Reader
	zeros int
}

const endMarker = 1024

// Read implements io.Reader.
func (e *endReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	tail := p[max(0, n-endMarker):n]
	zeros := len(tail) - len(bytes.TrimRight(tail, "\x00"))
	if zeros == n {
		zeros += e.zeros
	}
	e.zeros = min(zeros, endMarker)
	return n, err
}

func (e *endReader) complete() bool { return e.zeros == endMarker }
