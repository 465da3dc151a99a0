package nfsroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// trashTime is how the trash writes when something came into it. It sorts.
const trashTime = "20060102T150405.000000000Z"

// Trashed is a root on its way out: no longer among the roots, but whole until
// its grace is over, for a node that nobody knew of.
type Trashed struct {
	Tag   string
	Since time.Time
	Kept  []Reason // why it stays; nothing when it is to be deleted

	name string // in the trash
}

// trash returns what is in the trash, the oldest first.
func (v *View) trash() ([]Trashed, error) {
	entries, err := os.ReadDir(v.meta("trash"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the trash: %w", err)
	}
	var list []Trashed
	for _, e := range entries {
		tag, since, ok := strings.Cut(e.Name(), "@")
		when, err := time.Parse(trashTime, since)
		if !ok || err != nil || checkTag(tag) != nil {
			return nil, fmt.Errorf("%s is not rootbuild's: move it away", v.meta("trash", e.Name()))
		}
		list = append(list, Trashed{Tag: tag, Since: when, name: e.Name()})
	}
	slices.SortStableFunc(list, func(a, b Trashed) int { return a.Since.Compare(b.Since) })
	return list, nil
}

// discard moves a root into the trash. The tree goes first: a record without
// one is swept.
func (s *Store) discard(tag string, now time.Time) error {
	trash := s.meta("trash")
	if _, err := safeopen.Make(trash, 0o700); err != nil {
		return err
	}
	name := tag + "@" + now.UTC().Format(trashTime)
	if err := renameNew(s.Path(tag), s.meta("trash", name)); err != nil {
		return err
	}
	if err := errors.Join(syncDir(s.dir), syncDir(trash)); err != nil {
		return err
	}
	return s.forget(tag)
}
