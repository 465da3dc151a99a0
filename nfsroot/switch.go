package nfsroot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Switch makes current name the root with this tag. Nodes that are booted keep
// the root they have; it is the next boot that follows. A tag that the store
// does not have is an error that wraps [ErrNoRoot].
func (s *Store) Switch(ctx context.Context, tag string) error {
	if err := s.switchTo(ctx, tag, false); err != nil {
		return fmt.Errorf("switching nfsroot %s to %s: %w", s.dir, tag, err)
	}
	return nil
}

// ErrNoPrevious is wrapped by the error of a rollback that has nowhere to go.
var ErrNoPrevious = errors.New("no root was current before")

// Rollback makes current name the root of Previous again, and returns its tag.
// Another rollback goes one further back.
func (s *Store) Rollback(ctx context.Context) (tag string, err error) {
	tag, err = s.Previous()
	if err == nil && tag == "" {
		err = fmt.Errorf("%w, or it was removed since: name one to switch to; current is unchanged", ErrNoPrevious)
	}
	if err == nil {
		err = s.switchTo(ctx, tag, true)
	}
	if err != nil {
		return "", fmt.Errorf("rolling back nfsroot %s: %w", s.dir, err)
	}
	return tag, nil
}

func (s *Store) switchTo(ctx context.Context, tag string, rollback bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.checkRoot(tag); err != nil {
		return err
	}
	from, err := s.Current()
	if err != nil {
		return err
	}
	if from == tag {
		return s.renew(ctx)
	}
	boot, err := s.bootEntries()
	if err != nil {
		return err
	}
	pending, err := s.prepareEntries(ctx, boot, tag)
	if err != nil {
		return fmt.Errorf("%w; current is unchanged", err)
	}
	undo, err := appendSwitch(s.meta(journalFile), switchLine{
		When: time.Now().UTC(), From: from, To: tag, Rollback: rollback,
		By: s.options.User, Host: s.options.Host, Command: s.options.Command,
	})
	if err != nil {
		return err
	}
	if err := s.link(tag); err != nil {
		return errors.Join(err, undo())
	}
	if err := syncDir(s.dir); err != nil {
		return err
	}
	// Last, for current is what entries are mended by.
	if err := pending.commit(); err != nil {
		return fmt.Errorf("%w; current names %s, and the default entry may not yet: a node gets the one or the other whole, and the next command that changes roots ends it", err, tag)
	}
	return nil
}

// checkRoot fails, naming the roots there are, unless tag is one of them.
func (s *Store) checkRoot(tag string) error {
	if err := checkTag(tag); err != nil {
		return err
	}
	_, err := s.root(tag)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	roots, err := s.List()
	if err != nil {
		return err
	}
	return fmt.Errorf("%w; current is unchanged", noRoot(roots))
}

// noRoot says which roots there are instead.
func noRoot(roots []Root) error {
	if len(roots) == 0 {
		return fmt.Errorf("%w: the store is empty: unpack an image first", ErrNoRoot)
	}
	var tags []string
	for _, r := range roots {
		tags = append(tags, r.Tag)
	}
	return fmt.Errorf("%w: it has %s", ErrNoRoot, strings.Join(tags, ", "))
}

// link replaces current. The new symlink is made in staging, so that a kill
// leaves nothing beside the roots.
func (s *Store) link(tag string) error {
	staged := s.meta("staging", currentName)
	if err := os.Remove(staged); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Relative: clients that mount the parent resolve it on their side.
	if err := os.Symlink(tag, staged); err != nil {
		return err
	}
	return os.Rename(staged, s.Path(currentName))
}
