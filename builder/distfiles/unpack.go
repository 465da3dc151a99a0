package distfiles

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// UnpackDeb writes the regular files of the Debian package with that checksum, which
// the store keeps, below dir: those that place gives a path for.
func (s *Store) UnpackDeb(sha256, dir string, place func(name string) string) (err error) {
	f, err := safeopen.File(s.Path(sha256))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	root, err := safeopen.Root(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	data, err := openData(f)
	if err != nil {
		return fmt.Errorf("reading the Debian package: %w", err)
	}
	for archive := tar.NewReader(data); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the Debian package: %w", err)
		}
		to := place(path.Clean(strings.TrimPrefix(h.Name, "/")))
		if h.Typeflag != tar.TypeReg || to == "" {
			continue
		}
		if err := writeTo(root, to, archive); err != nil {
			return fmt.Errorf("unpacking the Debian package: %w", err)
		}
	}
}

func writeTo(root *os.Root, name string, r io.Reader) (err error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r)
	return err
}
