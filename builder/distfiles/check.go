package distfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Check reads sources of the store and tells every one whose bytes are not those
// of its sha256 any more.
func (s *Store) Check(sources []Source) error {
	var errs []error
	for _, source := range sources {
		if err := checkFile(s.Path(source.SHA256), source.SHA256); err != nil {
			errs = append(errs, fmt.Errorf("checking source %s: %w", source.Name, err))
		}
	}
	return errors.Join(errs...)
}

func checkFile(path, want string) error {
	f, err := safeopen.File(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s has the sha256 %s: remove it, and the next run fetches it anew", path, got)
	}
	return nil
}
