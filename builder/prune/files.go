package prune

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/sources"
)

// lookSources says which sources stay.
func (p *pruning) lookSources() error {
	list, err := p.sources.Kept()
	if err != nil {
		return err
	}
	// boot unpacks it again where its directory is gone.
	p.needed.sources[sources.DefaultKernel.Source.SHA256] = true
	for _, s := range list {
		switch {
		case p.needed.sources[s.SHA256]:
			p.tell(Keep, kindSource, s.Size, "of targets and images that stay")
		case p.young(s.Since):
			p.tell(Keep, kindSource, s.Size, "grace: kept not long ago")
		default:
			p.unused = append(p.unused, s.SHA256)
			p.tell(Delete, kindSource, s.Size, "no target and no image that stays is built of them")
		}
	}
	return nil
}

// lookParts says which downloads that broke off stay.
func (p *pruning) lookParts() error {
	for _, dir := range []string{p.state.Distfiles(), p.state.Images()} {
		dir = filepath.Join(dir, "partial")
		if err := p.lookTrees(dir, kindPart, func(tree) (string, string, error) { return "", "nobody went on with them", nil }); err != nil {
			return err
		}
	}
	return nil
}

// lookKernels says which kernels stay.
func (p *pruning) lookKernels() error {
	return p.lookTrees(filepath.Join(p.state.Dir(), "kernels"), kindKernel, func(t tree) (string, string, error) {
		if t.name == sources.DefaultKernel.Version {
			return "boot takes it", "", nil
		}
		return "", "this rootbuild boots another one", nil
	})
}

// lookBuilders says what stays of what is known of other builders. Their caches are
// theirs.
func (p *pruning) lookBuilders() error {
	p.builders = map[string]bool{}
	dir := filepath.Join(p.state.Dir(), "builders")
	err := p.lookTrees(dir, kindBuilder, func(t tree) (string, string, error) {
		inside, err := engine.InContainerd(filepath.Join(dir, t.name))
		if inside {
			return "its cache is in a containerd, which prune leaves alone", "", err
		}
		return "", "not used; the cache of its buildkitd stays there", err
	})
	list, dirErr := readDir(dir)
	for _, e := range list {
		p.builders[e.Name()] = true
	}
	for _, path := range p.trees {
		if filepath.Dir(path) == dir {
			delete(p.builders, filepath.Base(path))
		}
	}
	return errors.Join(err, dirErr)
}

// tree is a file or a directory of the state, with all below.
type tree struct {
	name  string
	size  int64     // bytes
	since time.Time // when something in it was written last
}

// lookTrees says what stays of what lies in a directory: that for which judge has a
// reason to, and what is younger than the grace.
func (p *pruning) lookTrees(dir, kind string, judge func(tree) (stays, goes string, err error)) error {
	list, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		t, err := measure(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		stays, goes, err := judge(t)
		switch {
		case err != nil:
			return err
		case stays != "":
			p.tell(Keep, kind, t.size, stays)
		case p.young(t.since):
			p.tell(Keep, kind, t.size, "grace: used not long ago")
		default:
			p.trees = append(p.trees, filepath.Join(dir, e.Name()))
			p.tell(Delete, kind, t.size, goes)
		}
	}
	return nil
}

// removeTrees removes files and directories. A directory is first renamed to what Kernel
// knows as half a one.
func (p *pruning) removeTrees(ctx context.Context) error {
	for _, path := range p.trees {
		if err := ctx.Err(); err != nil {
			return err
		}
		half := strings.TrimSuffix(path, sources.HalfSuffix) + sources.HalfSuffix
		if path != half {
			if err := errors.Join(os.RemoveAll(half), os.Rename(path, half)); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(half); err != nil {
			return err
		}
	}
	return nil
}

// measure adds up what lies below a path on its own file system, hard links once. Of a
// directory the times of its own entries count, not those of what was unpacked into it.
func measure(path string) (tree, error) {
	t := tree{name: filepath.Base(path)}
	seen := map[[2]uint64]bool{}
	var dev uint64
	err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(file, &st); err != nil {
			return err
		}
		if file == path {
			dev = st.Dev
		}
		if st.Dev != dev && d.IsDir() {
			return filepath.SkipDir
		}
		if file == path || filepath.Dir(file) == path {
			if m := time.Unix(st.Mtim.Unix()); m.After(t.since) {
				t.since = m
			}
		}
		if id := [2]uint64{st.Dev, st.Ino}; d.Type().IsRegular() && !seen[id] {
			seen[id] = true
			t.size += st.Size
		}
		return nil
	})
	return t, err
}
