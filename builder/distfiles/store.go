package distfiles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/renameio/v2"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Store is an OCI layout whose blobs are sources. Its methods may be called
// from several goroutines; that no second process writes to the same directory
// is the caller's to see to.
type Store struct {
	dir string

	mu   sync.Mutex
	busy map[string]chan struct{} // by sha256; closed when its holder is through
}

// Open returns the store in dir, and makes what is missing of its layout. A
// layout of another version is an error that changes nothing.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, busy: map[string]chan struct{}{}}
	if err := s.init(); err != nil {
		return nil, fmt.Errorf("opening source store %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) init() error {
	if err := s.checkVersion(); err != nil {
		return err
	}
	for _, dir := range []string{s.blobs(), s.partial()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	index.SchemaVersion = 2
	if err := s.writeOnce(ocispec.ImageIndexFile, index); err != nil {
		return err
	}
	return s.writeOnce(ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
}

func (s *Store) checkVersion() error {
	text, err := safeopen.Read(filepath.Join(s.dir, ocispec.ImageLayoutFile), 4096)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var layout ocispec.ImageLayout
	if err := json.Unmarshal(text, &layout); err != nil {
		return fmt.Errorf("reading %s: %w", ocispec.ImageLayoutFile, err)
	}
	if layout.Version != ocispec.ImageLayoutVersion {
		return fmt.Errorf("OCI layout version %q is not %s", layout.Version, ocispec.ImageLayoutVersion)
	}
	return nil
}

// writeOnce leaves a file that is there alone: an index may name artifacts.
func (s *Store) writeOnce(name string, v any) error {
	file := filepath.Join(s.dir, name)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return renameio.WriteFile(file, text, 0o644)
}

// Dir returns the directory of the layout.
func (s *Store) Dir() string { return s.dir }

// Path returns the file of the blob with that checksum (64 lower-case hex
// digits), whether it is there or not.
func (s *Store) Path(sha256 string) string { return filepath.Join(s.blobs(), sha256) }

// Has says whether the store keeps a blob with that checksum. It does not read
// the blob: only verified bytes get their name.
func (s *Store) Has(sha256 string) bool {
	if !validSum(sha256) {
		return false
	}
	info, err := os.Lstat(s.Path(sha256))
	return err == nil && info.Mode().IsRegular()
}

// Missing returns the sources that the store does not keep, in their order.
func (s *Store) Missing(sources []Source) []Source {
	var missing []Source
	for _, src := range sources {
		if !s.Has(src.SHA256) {
			missing = append(missing, src)
		}
	}
	return missing
}

func (s *Store) blobs() string { return filepath.Join(s.dir, "blobs", "sha256") }

// partial holds what is not verified yet, on the blobs' file system so that
// keeping is a rename.
func (s *Store) partial() string { return filepath.Join(s.dir, "partial") }

// claim waits until no other goroutine works for that checksum.
func (s *Store) claim(ctx context.Context, sum string) (release func(), err error) {
	for {
		s.mu.Lock()
		held, busy := s.busy[sum]
		if !busy {
			done := make(chan struct{})
			s.busy[sum] = done
			s.mu.Unlock()
			return func() { s.release(sum, done) }, nil
		}
		s.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Store) release(sum string, done chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, sum)
	close(done)
}
