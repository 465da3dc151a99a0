package entries

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// Pending is a set that lies in its directory, on disk, and that no loader sees yet.
// What is left to do are renames and removals, which need no space.
type Pending struct {
	// Warnings are what may go wrong with kernels that came new.
	Warnings []string

	r         rendered
	dir       string
	roots     []move // directories of roots that were not there before
	staged    int    // names that were used
	unstamped []move // the state of a directory that is on its way
	inDirs    []move // files of directories that are there
	links     []move
	tops      []move
	state     move
}

// move is a rename that makes what was staged visible.
type move struct{ from, to string }

// Prepare writes what the set has and its directory has not: all that can go wrong
// goes wrong here, and leaves the directory as it was.
func (s Set) Prepare(ctx context.Context) (*Pending, error) {
	p, err := s.prepare(ctx)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		err = fmt.Errorf("%w: free some space there, or name another directory", err)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing boot entries in %s: %w", s.Site.TFTP, err)
	}
	return p, nil
}

func (s Set) prepare(ctx context.Context) (*Pending, error) {
	r, err := s.render()
	if err != nil {
		return nil, err
	}
	p := &Pending{r: r, dir: s.Site.TFTP}
	if err := p.check(); err != nil {
		return nil, err
	}
	before, err := readState(p.dir)
	if err != nil {
		return nil, err
	}
	if err := p.checkFree(before); err != nil {
		return nil, err
	}
	err = p.open(before)
	if err == nil {
		err = p.stageAll(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.abandon(before))
	}
	return p, nil
}

// CheckDir refuses a directory for boot entries that is not there, or that somebody
// other than root and the caller can change.
func CheckDir(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("the TFTP directory: %w: make it, mount it, or name another", err)
	}
	return safeopen.Dir(dir)
}

// check refuses a directory that is not the store's own to write into, and files in
// it that are a site's.
func (p *Pending) check() error {
	if err := CheckDir(p.dir); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(p.dir)
	if err != nil {
		return err
	}
	store, err := filepath.EvalSymlinks(p.r.set.Store)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(store, real); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return errors.New("it lies in the directory of node roots, where every name is a root: name another")
	}
	for _, sub := range []string{ownName, "pxelinux.cfg", "grub"} {
		if err := safeopen.Subdir(p.path(sub)); err != nil {
			return err
		}
	}
	var errs []error
	for _, file := range slices.Sorted(maps.Keys(p.r.tops)) {
		errs = append(errs, p.checkOurs(file))
	}
	return errors.Join(errs...)
}

// checkOurs refuses to replace a file that a site wrote.
func (p *Pending) checkOurs(file string) error {
	if strings.HasPrefix(file, ownName+"/") {
		return nil
	}
	text, err := safeopen.Read(p.path(file), maxText)
	if err == nil && !marked(text) {
		err = fmt.Errorf("%s is not rootbuild's: move it away, or write no entries for its boot loader (--loader)", p.path(file))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// checkFree refuses what is another store's, or nobody's that rootbuild knows.
func (p *Pending) checkFree(before state) error {
	if before.Store != "" && before.Store != p.r.set.Store {
		return fmt.Errorf("%s holds the boot entries of the node roots in %s: name another directory", p.path(ownName), before.Store)
	}
	left, err := os.ReadDir(p.path(ownName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	foreign := func(e fs.DirEntry) bool { return !slices.Contains([]string{stagingName, menuName}, e.Name()) }
	if before.Store == "" && slices.ContainsFunc(left, foreign) {
		return fmt.Errorf("%s is not rootbuild's: move it away", p.path(ownName))
	}
	return nil
}

// open makes rootbuild's part of the directory, and empties what a kill left there.
func (p *Pending) open(before state) error {
	if err := os.RemoveAll(p.path(ownName, stagingName)); err != nil {
		return err
	}
	for _, dir := range p.directories() {
		if _, err := safeopen.Make(p.path(dir), 0o755); err != nil {
			return err
		}
	}
	if before.Store != "" {
		return nil
	}
	staged, err := p.stageState(state{Store: p.r.set.Store})
	if err != nil {
		return err
	}
	return os.Rename(staged, p.path(ownName, stateName))
}

// directories are those that files of the set go into.
func (p *Pending) directories() []string {
	dirs := []string{path.Join(ownName, stagingName)}
	for file := range p.r.tops {
		dirs = append(dirs, path.Dir(file))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// abandon takes back what a failed preparation made.
func (p *Pending) abandon(before state) error {
	errs := []error{os.RemoveAll(p.path(ownName, stagingName))}
	for _, m := range p.roots {
		errs = append(errs, os.RemoveAll(m.to))
	}
	if before.Store == "" {
		for _, rest := range []string{path.Join(ownName, stateName), path.Join(ownName, menuName), ownName, "pxelinux.cfg", "grub"} {
			// Each goes only if it is ours, which is empty but for the state.
			if err := os.Remove(p.path(rest)); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// stageAll writes everything that is to become visible, and makes it durable: by one
// sync of the file system, for a group may have a file for each of its nodes.
func (p *Pending) stageAll(ctx context.Context) (err error) {
	// Opened before the first write: syncfs reports the errors of those after it.
	disk, err := os.Open(p.path(ownName, stagingName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	if err := p.stageTree(ctx); err != nil {
		return err
	}
	if err := unix.Syncfs(int(disk.Fd())); err != nil {
		return fmt.Errorf("syncing %s: %w", disk.Name(), err)
	}
	// No entry leads there yet.
	return rename(p.roots)
}

func (p *Pending) stageTree(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(p.r.roots)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.stageRoot(name, p.r.roots[name]); err != nil {
			return err
		}
	}
	for _, file := range slices.Sorted(maps.Keys(p.r.tops)) {
		if err := p.stageText(&p.tops, file, p.r.tops[file]); err != nil {
			return err
		}
	}
	for _, link := range slices.Sorted(maps.Keys(p.r.links)) {
		if err := p.stageLink(link, p.r.links[link]); err != nil {
			return err
		}
	}
	return p.stageStates()
}

// stageStates stages what tells a directory that was written whole from one on its
// way. A change of links alone needs no telling: they show it.
func (p *Pending) stageStates() error {
	at := p.path(ownName, stateName)
	if len(p.inDirs)+len(p.tops) > 0 {
		staged, err := p.stageState(state{Store: p.r.set.Store})
		if err != nil {
			return err
		}
		p.unstamped = []move{{staged, at}}
	}
	staged, err := p.stageState(state{p.r.set.Store, p.r.set.stamp()})
	p.state = move{staged, at}
	return err
}

func (p *Pending) stageState(s state) (string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return p.stage(append(data, '\n'))
}

// stageText has a file get a text, unless it has it.
func (p *Pending) stageText(moves *[]move, file string, text []byte) error {
	have, err := safeopen.Read(p.path(file), maxText)
	if err == nil && bytes.Equal(have, text) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	staged, err := p.stage(text)
	*moves = append(*moves, move{staged, p.path(file)})
	return err
}

// stageLink has a symlink lead to the directory of a root. It is relative, so that
// servers find it wherever they see the directory.
func (p *Pending) stageLink(link, to string) error {
	at := p.path(ownName, link)
	if have, err := os.Readlink(at); err == nil && have == to {
		return nil
	}
	staged := p.next()
	p.links = append(p.links, move{staged, at})
	return os.Symlink(to, staged)
}

// stage writes a file that everybody may read, as servers of TFTP have no rights.
func (p *Pending) stage(text []byte) (string, error) {
	file := p.next()
	return file, writeNew(file, bytes.NewReader(text))
}

// next is a name of its own in the staging directory.
func (p *Pending) next() string {
	p.staged++
	return p.path(ownName, stagingName, fmt.Sprint(p.staged))
}

func (p *Pending) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}
