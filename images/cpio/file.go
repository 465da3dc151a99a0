package cpio

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/renameio/v2"
)

// WriteFile replaces a file by an archive of the tree, packed as Compress reads its
// name: whole or not at all. It returns the file's sha256, in hex.
func WriteFile(file string, tree Tree, epoch time.Time) (_ string, err error) {
	out, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }()
	sum := sha256.New()
	packed, err := Compress(io.MultiWriter(out, sum), file)
	if err != nil {
		return "", err
	}
	if err := errors.Join(tree.Write(packed, epoch), packed.Close()); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	if err := out.CloseAtomicallyReplace(); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
