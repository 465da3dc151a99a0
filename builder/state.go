package builder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

// stateVersion is the layout of the state directory. A program that changes it
// raises it, so that an older program does not misread what it finds.
const stateVersion = "1"

// State is the directory where builds keep what later builds reuse: sources,
// images, BuildKit's cache and records. One process holds it at a time.
type State struct {
	dir     string
	lock    io.Closer
	builder engine.Builder
	several []engine.Builder // in place of one
	opened  time.Time
}

// Use has the steps of what is built in the state run elsewhere than in this process:
// on one builder, or each stage on one of several.
func (s *State) Use(builders ...engine.Builder) {
	s.builder, s.several = engine.Builder{}, nil
	if len(builders) == 1 {
		s.builder = builders[0]
	} else {
		s.several = builders
	}
}

// on is the same state with one of its builders.
func (s *State) on(b engine.Builder) *State {
	one := *s
	one.Use(b)
	return &one
}

// OpenState opens dir, creating it if it is not there, and locks it in the name
// of command. A directory that a newer program wrote is refused.
func OpenState(dir, command string) (*State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := safeopen.Make(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating state directory: %w", err)
	}
	if err := checkState(dir); err != nil {
		return nil, fmt.Errorf("opening state directory: %w", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(dir, "lock"), command)
	if err != nil {
		return nil, err
	}
	s := &State{dir: dir, lock: lock, opened: time.Now().UTC()}
	if err := s.checkVersion(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// stateDirs are those of a state that is written to and removed from.
var stateDirs = []string{
	"images", "images/blobs", "images/blobs/sha256", "images/partial",
	"distfiles", "distfiles/blobs", "distfiles/blobs/sha256", "distfiles/partial",
	"buildkit", "builders", "records", "reproduce", "boots", "kernels",
}

// checkState refuses a directory that another user can change, or prepared.
func checkState(dir string) error {
	if err := safeopen.Dir(dir); err != nil {
		return err
	}
	var errs []error
	for _, name := range stateDirs {
		errs = append(errs, safeopen.Subdir(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}

func (s *State) checkVersion() error {
	file := filepath.Join(s.dir, "version")
	found, err := safeopen.Read(file, 4096)
	switch {
	case errors.Is(err, os.ErrNotExist):
		// Whole or not at all: half a version would keep all later runs out.
		if err := renameio.WriteFile(file, []byte(stateVersion+"\n"), 0o600); err != nil {
			return fmt.Errorf("writing state version: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("reading state version: %w", err)
	case strings.TrimSpace(string(found)) != stateVersion:
		return fmt.Errorf("%s has format %q, this rootbuild knows format %s: use the rootbuild that wrote it, or name another directory with --state",
			s.dir, strings.TrimSpace(string(found)), stateVersion)
	}
	return nil
}

// CheckState refuses a directory that no rootbuild keeps its state in. What is removed
// from one by its names may be somebody else's in another.
func CheckState(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "version")); err != nil {
		return fmt.Errorf("%s is no state directory of rootbuild (%w): name one with --state", dir, err)
	}
	return nil
}

// Distfiles is where the sources are kept.
func (s *State) Distfiles() string { return filepath.Join(s.dir, "distfiles") }

// Images is the OCI layout of bases and of finished images.
func (s *State) Images() string { return filepath.Join(s.dir, "images") }

// BuildKit is where the embedded BuildKit keeps its cache, and what is known of the
// cache of another builder that the state uses.
func (s *State) BuildKit() string { return filepath.Join(s.dir, s.builder.Dir()) }

// Close gives the lock back.
func (s *State) Close() error { return s.lock.Close() }
