// Package state is the state directory: what builds keep for later ones, in one
// process at a time, and the records of it. It knows no build.
package state

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

// On is the same state with one of its builders.
func (s *State) On(b engine.Builder) *State {
	one := *s
	one.Use(b)
	return &one
}

// Open opens dir, creating it if it is not there, and locks it in the name
// of command. A directory that a newer program wrote is refused.
func Open(dir, command string) (*State, error) {
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

// Unlocked is the state in dir for who only reads records in it. It is not held, and not
// to be closed.
func Unlocked(dir string) (*State, error) { return &State{dir: dir}, checkState(dir) }

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

// Check refuses a directory that no rootbuild keeps its state in. What is removed
// from one by its names may be somebody else's in another.
func Check(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "version")); err != nil {
		return fmt.Errorf("%s is no state directory of rootbuild (%w): name one with --state", dir, err)
	}
	return nil
}

// Dir is the directory itself.
func (s *State) Dir() string { return s.dir }

// Opened is when the state was taken: what one run does bears this time.
func (s *State) Opened() time.Time { return s.opened }

// Builder is the one that steps run on, the zero one where there are several.
func (s *State) Builder() engine.Builder { return s.builder }

// Several are the builders that share the work; none where there is one.
func (s *State) Several() []engine.Builder { return s.several }

// Distfiles is where the sources are kept.
func (s *State) Distfiles() string { return filepath.Join(s.dir, "distfiles") }

// Images is the OCI layout of bases and of finished images.
func (s *State) Images() string { return filepath.Join(s.dir, "images") }

// BuildKit is where the embedded BuildKit keeps its cache, and what is known of the
// cache of another builder that the state uses.
func (s *State) BuildKit() string { return filepath.Join(s.dir, s.builder.Dir()) }

// Close gives the lock back.
func (s *State) Close() error { return s.lock.Close() }
