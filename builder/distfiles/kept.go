package distfiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Kept is a source that the store keeps.
type Kept struct {
	SHA256 string
	Size   int64     // bytes
	Since  time.Time // when it was kept
}

// Kept returns all sources that the store keeps, in the order of checksums.
func (s *Store) Kept() ([]Kept, error) {
	entries, err := os.ReadDir(s.blobs())
	if err != nil {
		return nil, fmt.Errorf("listing sources: %w", err)
	}
	var list []Kept
	for _, e := range entries {
		if !validSum(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("listing sources: %w", err)
		}
		list = append(list, Kept{e.Name(), info.Size(), info.ModTime()})
	}
	return list, nil
}

// Remove removes a source. One that is not there is no error.
func (s *Store) Remove(sha256 string) error {
	if !validSum(sha256) {
		return fmt.Errorf("removing source %q: that is no sha256", sha256)
	}
	if err := os.Remove(s.Path(sha256)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing source: %w", err)
	}
	return nil
}
