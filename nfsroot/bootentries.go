package nfsroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

// entriesFile keeps where boot entries are written, and the groups of nodes.
const entriesFile = "entries.json"

// bootEntries is what is kept of boot entries. Without a directory, none are written.
type bootEntries struct {
	Site   entries.Site    `json:"site"`
	Groups []entries.Group `json:"groups,omitempty"`
}

// ErrNoEntries is wrapped by errors about boot entries where none are written.
var ErrNoEntries = errors.New("no boot entries are written: rootbuild entries --tftp DIR begins it")

// bootEntries reads what is kept of boot entries.
func (v *View) bootEntries() (bootEntries, error) {
	data, err := safeopen.Read(v.meta(entriesFile), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return bootEntries{}, nil
	}
	if err != nil {
		return bootEntries{}, err
	}
	var b bootEntries
	if err := json.Unmarshal(data, &b); err != nil {
		return bootEntries{}, fmt.Errorf("reading %s: %w: move the file away, and configure boot entries again", v.meta(entriesFile), err)
	}
	return b, nil
}

// checkEntries says beforehand what keeps boot entries from being written.
func (v *View) checkEntries() error {
	b, err := v.bootEntries()
	if err != nil || b.Site.TFTP == "" {
		return err
	}
	if err := entries.CheckDir(b.Site.TFTP); err != nil {
		return fmt.Errorf("boot entries: %w; if they are not wanted any more: rootbuild entries off", err)
	}
	return nil
}

// EntriesSite returns where boot entries are written; its TFTP is empty where none are.
func (v *View) EntriesSite() (entries.Site, error) {
	b, err := v.bootEntries()
	return b.Site, err
}

// entrySet is what the directory of boot entries has to hold when current names a tag,
// and without the roots of others.
func (v *View) entrySet(b bootEntries, current string, without ...string) (entries.Set, error) {
	roots, err := v.List()
	if err != nil {
		return entries.Set{}, err
	}
	set := entries.Set{Site: b.Site, Store: v.dir, Default: current, Groups: b.Groups}
	for _, r := range roots {
		if !slices.Contains(without, r.Tag) {
			set.Roots = append(set.Roots, entries.Root{Tag: r.Tag, Digest: r.Digest.Hex, Dir: v.Path(r.Tag)})
		}
	}
	// The order of times says nothing of entries.
	slices.SortFunc(set.Roots, func(a, b entries.Root) int { return strings.Compare(a.Tag, b.Tag) })
	return set, nil
}

// agree says whether boot entries name what the store says: they do not after a kill
// between the two.
func (v *View) agree() (entries.Set, bool, error) {
	b, err := v.bootEntries()
	if err != nil || b.Site.TFTP == "" {
		return entries.Set{}, err == nil, err
	}
	current, err := v.currentRoot()
	if err != nil {
		return entries.Set{}, false, err
	}
	if there, err := v.exists(current); err != nil || current != "" && !there {
		return entries.Set{}, err == nil, err // a hand led it to what no entry can name
	}
	set, err := v.entrySet(b, current)
	if err != nil {
		return entries.Set{}, false, err
	}
	agrees, err := set.Agrees()
	return set, agrees, err
}

// mend has boot entries name what the store says, where a kill came in between. A
// store whose entries cannot be mended opens all the same: what changes them fails by
// itself, and a switch to another root may be what mends them.
func (s *Store) mend() {
	set, agrees, err := s.agree()
	if err != nil || agrees {
		s.noteStale(err)
		return
	}
	pending, err := set.Prepare(context.Background())
	if err == nil {
		err = pending.Commit()
	}
	s.noteStale(err)
}

// noteStale tells that boot entries are not what they should be.
func (s *Store) noteStale(err error) {
	if err != nil {
		s.note(fmt.Sprintf("the boot entries may not be those of the store: %v", err))
	}
}

func (s *Store) note(text string) {
	if s.options.Note != nil {
		s.options.Note(text)
	}
}

// pendingEntries is boot entries that are written and that no loader sees yet. The
// zero value is those of a store without any.
type pendingEntries struct{ *entries.Pending }

// prepareEntries writes the boot entries for when current names a tag.
func (s *Store) prepareEntries(ctx context.Context, b bootEntries, current string, without ...string) (pendingEntries, error) {
	if b.Site.TFTP == "" {
		return pendingEntries{}, nil
	}
	set, err := s.entrySet(b, current, without...)
	if err != nil {
		return pendingEntries{}, err
	}
	pending, err := set.Prepare(ctx)
	if err != nil {
		return pendingEntries{}, err
	}
	for _, w := range pending.Warnings {
		s.note(w)
	}
	return pendingEntries{pending}, nil
}

// commit shows the loaders what was prepared.
func (p pendingEntries) commit() error {
	if p.Pending == nil {
		return nil
	}
	return p.Commit()
}

// renew has boot entries be those of the roots that are there, without the given ones.
func (s *Store) renew(ctx context.Context, without ...string) error {
	b, err := s.bootEntries()
	if err != nil || b.Site.TFTP == "" {
		return err
	}
	current, err := s.currentRoot()
	if err != nil {
		return err
	}
	pending, err := s.prepareEntries(ctx, b, current, without...)
	if err != nil {
		return err
	}
	return pending.commit()
}

// entriesByTag returns what the entries of each tag are, as they are written and as they are
// to be, sorted.
func (v *View) entriesByTag() (map[string][]string, error) {
	b, err := v.bootEntries()
	if err != nil || b.Site.TFTP == "" {
		return nil, err
	}
	links, err := entries.Links(b.Site.TFTP)
	if err != nil {
		return nil, err
	}
	byTag := map[string][]string{}
	add := func(tag, name string) {
		if !slices.Contains(byTag[tag], name) {
			byTag[tag] = append(byTag[tag], name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		add(links[name], name)
	}
	for _, g := range b.Groups {
		if g.Tag != "" {
			add(g.Tag, "group "+g.Name)
		}
	}
	return byTag, nil
}
