package prune

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

// lookBoots says which logs and files of boots stay.
func (p *pruning) lookBoots() error {
	tags, err := p.bootsByTag()
	if err != nil {
		return err
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		t := tags[tag]
		_, root := p.options.Roots[tag]
		switch {
		case root:
			p.tell(Keep, kindBoot, t.size, "their roots are there")
		case p.young(t.since):
			p.tell(Keep, kindBoot, t.size, "grace: used not long ago")
		default:
			p.boots = append(p.boots, tag)
			p.tell(Delete, kindBoot, t.size, "of roots that are not there")
		}
	}
	return nil
}

// bootsByTag adds up the directory and the log of each root's last boot.
func (p *pruning) bootsByTag() (map[string]tree, error) {
	list, err := readDir(p.bootsDir())
	if err != nil {
		return nil, err
	}
	tags := map[string]tree{}
	for _, e := range list {
		tag, log := strings.CutSuffix(e.Name(), ".log")
		if !log && !e.IsDir() {
			continue
		}
		t, err := measure(filepath.Join(p.bootsDir(), e.Name()))
		if err != nil {
			return nil, err
		}
		sum := tags[tag]
		sum.size += t.size
		if t.since.After(sum.since) {
			sum.since = t.since
		}
		tags[tag] = sum
	}
	return tags, nil
}

func (p *pruning) bootsDir() string { return filepath.Join(p.state.Dir(), "boots") }

// removeBoots removes those whose lock is free: a boot that runs does not hold the state.
// The locks stay, for who waited for one that is removed would hold it alone.
func (p *pruning) removeBoots(ctx context.Context) error {
	for _, tag := range p.boots {
		path := filepath.Join(p.bootsDir(), tag)
		lock, err := lockfile.Acquire(path+".lock", "rootbuild prune")
		var held *lockfile.HeldError
		if errors.As(err, &held) {
			p.found.Notes = append(p.found.Notes, "boot "+tag+" stays: "+held.Error())
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(removeAll(ctx, []string{path, path + ".log"}), lock.Close()); err != nil {
			return err
		}
	}
	return nil
}
