package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rootbuild/rootbuild/builder/engine"
)

// OpenScratch opens an empty state directory at dir. With again it first removes
// what a killed run left of one there; without, a directory that holds anything
// is an error.
func OpenScratch(ctx context.Context, dir, command string, b engine.Builder, again bool) (*State, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 && !again {
		return nil, fmt.Errorf("%s is not empty: name a directory that is, or that is not there", dir)
	}
	s, err := openScratch(dir, command, b)
	if err != nil || len(entries) == 0 {
		return s, err
	}
	// The lock says that no other process is in it.
	if err := s.Remove(ctx); err != nil {
		return nil, err
	}
	return openScratch(dir, command, b)
}

func openScratch(dir, command string, b engine.Builder) (*State, error) {
	s, err := Open(dir, command)
	if err == nil {
		s.Use(b)
	}
	return s, err
}

// Remove closes the state and removes its directory, with what runs and is
// mounted below it.
func (s *State) Remove(ctx context.Context) error {
	if _, err := os.Stat(s.BuildKit()); err == nil {
		if err := engine.Discard(ctx, s.builder, s.BuildKit()); err != nil {
			return errors.Join(fmt.Errorf("clearing %s: %w", s.dir, err), s.Close())
		}
	}
	if err := errors.Join(os.RemoveAll(s.dir), s.Close()); err != nil {
		return fmt.Errorf("removing %s: %w", s.dir, err)
	}
	return nil
}
