package nfsroot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
)

// ConfigureEntries has boot entries written as the site says, from now on by each
// change of roots, and writes them. Those in another directory are removed.
func (s *Store) ConfigureEntries(ctx context.Context, site entries.Site) error {
	b, err := s.bootEntries()
	if err != nil {
		return fmt.Errorf("configuring boot entries: %w", err)
	}
	before := b.Site.TFTP
	b.Site = site
	if err := s.applyEntries(ctx, b, nil); err != nil {
		return fmt.Errorf("configuring boot entries: %w", err)
	}
	if before == "" || before == site.TFTP {
		return nil
	}
	return entries.Remove(before, s.dir)
}

// EndEntries removes the boot entries, and writes none from now on. Groups are
// forgotten.
func (s *Store) EndEntries() error {
	b, err := s.bootEntries()
	if err == nil && b.Site.TFTP == "" {
		err = ErrNoEntries
	}
	if err == nil {
		// The entries are kept first: while they are there, they are the store's.
		err = entries.Remove(b.Site.TFTP, s.dir)
	}
	if err == nil {
		err = s.writeEntries(bootEntries{})
	}
	if err != nil {
		return fmt.Errorf("ending boot entries: %w", err)
	}
	return nil
}

// DefineGroup says which nodes a group has. Its root stays the one it has.
func (s *Store) DefineGroup(ctx context.Context, g entries.Group) error {
	err := s.changeGroups(ctx, nil, func(list []entries.Group) ([]entries.Group, error) {
		if i := findGroup(list, g.Name); i >= 0 {
			g.Tag = list[i].Tag
			list[i] = g
			return list, nil
		}
		return append(list, g), nil
	})
	if err != nil {
		return fmt.Errorf("defining group %s: %w", g.Name, err)
	}
	return nil
}

// RemoveGroup forgets a group. Its nodes get the default's root.
func (s *Store) RemoveGroup(ctx context.Context, name string) error {
	if err := s.moveGroup(ctx, name, "", true); err != nil {
		return fmt.Errorf("removing group %s: %w", name, err)
	}
	return nil
}

// SetGroup has the nodes of a group get the root with this tag, until it is set
// again: switches of current do not concern them. With an empty tag they get the
// default's.
func (s *Store) SetGroup(ctx context.Context, name, tag string) error {
	if err := s.moveGroup(ctx, name, tag, false); err != nil {
		return fmt.Errorf("setting the root of group %s: %w", name, err)
	}
	return nil
}

// moveGroup gives a group another root, and may forget it then.
func (s *Store) moveGroup(ctx context.Context, name, tag string, forget bool) error {
	if tag != "" {
		if err := s.checkNamed(tag); err != nil {
			return err
		}
	}
	line := &switchLine{Group: name, To: tag}
	return s.changeGroups(ctx, line, func(list []entries.Group) ([]entries.Group, error) {
		i := findGroup(list, name)
		if i < 0 {
			var names []string
			for _, g := range list {
				names = append(names, g.Name)
			}
			return nil, fmt.Errorf("no such group%s (rootbuild entries group defines one)", images.DidYouMean(name, names))
		}
		line.From = list[i].Tag
		list[i].Tag = tag
		if forget {
			list = slices.Delete(list, i, i+1)
		}
		return list, nil
	})
}

// checkNamed fails, with the nearest tags there are, unless tag is one of them.
func (s *Store) checkNamed(tag string) error {
	if err := checkTag(tag); err != nil {
		return err
	}
	_, err := s.root(tag)
	if !missing(err) {
		return err
	}
	roots, err := s.List()
	if err != nil {
		return err
	}
	var tags []string
	for _, r := range roots {
		tags = append(tags, r.Tag)
	}
	return fmt.Errorf("%q: %w%s; nothing was changed", tag, noRoot(roots), images.DidYouMean(tag, tags))
}

func findGroup(list []entries.Group, name string) int {
	return slices.IndexFunc(list, func(g entries.Group) bool { return g.Name == name })
}

// changeGroups changes the groups, by a line of the journal where it changes what
// their nodes boot.
func (s *Store) changeGroups(ctx context.Context, line *switchLine, change func([]entries.Group) ([]entries.Group, error)) error {
	b, err := s.bootEntries()
	if err != nil {
		return err
	}
	if b.Site.TFTP == "" {
		return ErrNoEntries
	}
	if b.Groups, err = change(slices.Clone(b.Groups)); err != nil {
		return err
	}
	return s.applyEntries(ctx, b, line)
}

// applyEntries keeps what is wanted of boot entries and has loaders see it. The order
// is that of a switch: what can go wrong, the journal, the one rename that decides,
// the entries.
func (s *Store) applyEntries(ctx context.Context, b bootEntries, line *switchLine) error {
	current, err := s.currentRoot()
	if err != nil {
		return err
	}
	pending, err := s.prepareEntries(ctx, b, current)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	undo := func() error { return nil }
	if line != nil && line.From != line.To {
		line.When, line.By, line.Host, line.Command = time.Now().UTC(), s.options.User, s.options.Host, s.options.Command
		if undo, err = appendSwitch(s.meta(journalFile), *line); err != nil {
			return err
		}
	}
	if err := s.writeEntries(b); err != nil {
		return errors.Join(err, undo())
	}
	if err := pending.commit(); err != nil {
		return fmt.Errorf("%w; it is decided, and the next command that changes roots ends it", err)
	}
	return nil
}

// writeEntries keeps what is wanted of boot entries.
func (s *Store) writeEntries(b bootEntries) error {
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("internal error: encoding boot entries: %w", err)
	}
	return s.writeFile(entriesFile, append(data, '\n'))
}
