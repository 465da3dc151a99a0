package distfiles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// ExportFile is one file of an export: a blob of the store, or a text.
type ExportFile struct {
	Path   string // below the directory, with slashes
	SHA256 string // of the blob
	Text   []byte // taken if SHA256 is empty
}

// Export writes files below dir, and then SumsFile, by which FetchOptions.Dirs
// finds them whatever they are called. Every blob is verified on its way. What
// an earlier export wrote to dir stays, unless a file has the same path.
func (s *Store) Export(ctx context.Context, dir string, files []ExportFile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("exporting to %s: %w", dir, err)
	}
	sums, err := readSums(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := s.exportFile(dir, f)
		if err != nil {
			return fmt.Errorf("exporting %s to %s: %w", f.Path, dir, err)
		}
		sums[f.Path] = sum
	}
	// Last, so that it names nothing that is not there.
	return writeSums(dir, sums)
}

// exportFile writes one file and returns its sha256.
func (s *Store) exportFile(dir string, f ExportFile) (string, error) {
	if !fs.ValidPath(f.Path) || f.Path == SumsFile || strings.ContainsAny(f.Path, "\\\n") {
		return "", errors.New("not a path for a file of an export")
	}
	if f.SHA256 == "" {
		sum := sha256.Sum256(f.Text)
		return hex.EncodeToString(sum[:]), writeFile(filepath.Join(dir, f.Path), bytes.NewReader(f.Text))
	}
	blob, err := safeopen.File(s.Path(f.SHA256))
	if err != nil {
		return "", err
	}
	verified := &verifier{Reader: blob, want: f.SHA256, hash: sha256.New()}
	return f.SHA256, errors.Join(writeFile(filepath.Join(dir, f.Path), verified), blob.Close())
}

// writeFile makes a file whole or not at all.
func writeFile(file string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	pending, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	if _, err := io.Copy(pending, r); err != nil {
		return errors.Join(err, pending.Cleanup())
	}
	return pending.CloseAtomicallyReplace()
}

// verifier ends with an error if what was read has not the wanted checksum.
type verifier struct {
	io.Reader
	want string
	hash hash.Hash
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.Reader.Read(p)
	v.hash.Write(p[:n])
	if err == io.EOF {
		if wrong := sameSum(v.want, v.hash.Sum(nil)); wrong != nil {
			return n, wrong
		}
	}
	return n, err
}
