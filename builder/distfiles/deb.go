package distfiles

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
)

// openMember returns the bytes of one file inside a Debian package.
func openMember(deb io.Reader, member string) (io.Reader, error) {
	data, err := openData(deb)
	if err != nil {
		return nil, fmt.Errorf("reading the Debian package: %w", err)
	}
	for archive := tar.NewReader(data); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the Debian package holds no %s", member)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the Debian package: %w", err)
		}
		if path.Clean(strings.TrimPrefix(header.Name, "/")) != member {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%s in the Debian package is no regular file", member)
		}
		return archive, nil
	}
}

// openData returns the uncompressed data.tar of a package. The outer archive is
// read here, not by the ar module, which panics on a damaged header: a package
// has no checksum of its own before this.
func openData(deb io.Reader) (io.Reader, error) {
	r := bufio.NewReader(deb)
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != arMagic {
		return nil, errors.New("it is no ar archive")
	}
	for {
		name, size, err := arHeader(r)
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it has no data.tar")
		}
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "data.tar") {
			return uncompress(name, io.LimitReader(r, size))
		}
		if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
			return nil, fmt.Errorf("skipping %s: %w", name, err)
		}
	}
}

func arHeader(r io.Reader) (name string, size int64, err error) {
	header := make([]byte, arHeaderSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", 0, err
	}
	name = strings.TrimRight(string(header[:16]), " /")
	size, err = strconv.ParseInt(strings.TrimSpace(string(header[48:58])), 10, 64)
	if err != nil || size < 0 || string(header[58:]) != "`\n" {
		return "", 0, errors.New("an ar header is damaged")
	}
	return name, size, nil
}

func uncompress(name string, r io.Reader) (io.Reader, error) {
	switch path.Ext(name) {
	case ".tar":
		return r, nil
	case ".gz":
		return gzip.NewReader(r)
	case ".xz":
		return xz.NewReader(r)
	case ".zst":
		// One at a time, in the caller's goroutine: nothing is left to close.
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	}
	return nil, fmt.Errorf("compression of %s is not known", name)
}
