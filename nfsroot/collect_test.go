package nfsroot_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
)

const hours = time.Hour

// in is a policy as time goes by: at so many hours from now.
func in(after time.Duration, keep int, grace time.Duration) nfsroot.Policy {
	return nfsroot.Policy{Keep: keep, Grace: grace, Now: time.Now().Add(after)}
}

func collect(t *testing.T, s *nfsroot.Store, p nfsroot.Policy) {
	t.Helper()
	if _, err := s.Collect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// tags returns the roots of a store, sorted, and what is in its trash.
func tags(t *testing.T, s *nfsroot.Store) (roots, trash []string) {
	t.Helper()
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		roots = append(roots, r.Tag)
	}
	slices.Sort(roots)
	entries, err := os.ReadDir(filepath.Join(s.Dir(), ".rootbuild/trash"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		tag, _, _ := strings.Cut(e.Name(), "@")
		trash = append(trash, tag)
	}
	return roots, trash
}

func wantTags(t *testing.T, s *nfsroot.Store, when, roots, trash string) {
	t.Helper()
	r, x := tags(t, s)
	equal(t, "roots "+when, strings.Join(r, " "), roots)
	equal(t, "trash "+when, strings.Join(x, " "), trash)
}

// roots unpacks a root for each tag, as of the target that the letter before
// its number names.
func roots(t *testing.T, s *nfsroot.Store, tags ...string) {
	t.Helper()
	for _, tag := range tags {
		img := image(t, []entry{file("name", tag)})
		if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: tag, Target: tag[:1]}); err != nil {
			t.Fatal(err)
		}
	}
}

// nextSecond waits until the clock shows another second: a record's times are
// whole ones.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

func TestCollectGenerations(t *testing.T) {
	s := open(t, t.TempDir())
	roots(t, s, "x1", "x2", "x3", "x4", "y1")
	nextSecond() // of two roots that were never current, the later is the newer
	roots(t, s, "y2")
	for _, tag := range []string{"x4", "x2", "x1", "x3"} {
		switchTo(t, s, tag)
	}
	plan, err := s.Plan(in(hours, 2, 0))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range plan.Roots {
		var why []string
		for _, k := range r.Kept {
			why = append(why, k.String())
		}
		got[r.Tag] = strings.Join(why, "; ")
	}
	equal(t, "reasons", got, map[string]string{
		"x3": "current; generation: 1 of 2", "x1": "rollback goes to it; generation: 2 of 2", "x2": "", "x4": "",
		"y1": "generation: 2 of 2", "y2": "generation: 1 of 2",
	})
	collect(t, s, in(hours, 1, 0))
	wantTags(t, s, "with one generation", "x1 x3 y2", "x2 x4 y1")
}

func TestCollectGrace(t *testing.T) {
	s := open(t, t.TempDir())
	roots(t, s, "x1", "x2", "x3")
	for _, tag := range []string{"x1", "x2", "x3"} {
		switchTo(t, s, tag)
	}
	collect(t, s, in(hours, 0, 2*hours))
	wantTags(t, s, "within the grace", "x1 x2 x3", "")
	collect(t, s, in(3*hours, 0, 2*hours))
	wantTags(t, s, "after it", "x2 x3", "x1")
	collect(t, s, in(4*hours, 0, 2*hours))
	wantTags(t, s, "within the grace of the trash", "x2 x3", "x1")
	collect(t, s, in(6*hours, 0, 2*hours))
	wantTags(t, s, "after that", "x2 x3", "")
}

// TestCollectTrashInUse leaves in the trash what a node turns out to hold.
func TestCollectTrashInUse(t *testing.T) {
	d := t.TempDir()
	s := open(t, d+"/store")
	roots(t, s, "x1", "x2")
	switchTo(t, s, "x2")
	collect(t, s, in(hours, 0, 0))
	wantTags(t, s, "at first", "x2", "x1")
	p := in(2*hours, 0, 0)
	p.Sources.Leases = d + "/leases"
	write(t, d+"/leases/node7", "x1")
	collect(t, s, p)
	wantTags(t, s, "with a lease", "x2", "x1")
	write(t, d+"/leases/node7", "x2")
	collect(t, s, p)
	wantTags(t, s, "without", "x2", "")
}

// TestTrashedRootStaysWhole holds a directory of a root open, as a node that
// nobody knows of does, through its removal and until its deletion.
func TestTrashedRootStaysWhole(t *testing.T) {
	s := open(t, t.TempDir())
	roots(t, s, "x1", "x2")
	switchTo(t, s, "x2")
	node, err := os.OpenRoot(s.Path("x1"))
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	if err := s.Remove(t.Context(), []string{"x1"}, nfsroot.Sources{}); err != nil {
		t.Fatal(err)
	}
	data, err := node.ReadFile("name")
	if err != nil || string(data) != "x1" {
		t.Errorf("a node reads %q, %v", data, err)
	}
	// The tag is free for another image, which is another directory.
	mustUnpack(t, s, "x1", image(t, []entry{file("name", "again")}))
	data, err = node.ReadFile("name")
	if err != nil || string(data) != "x1" {
		t.Errorf("after the tag was used again, a node reads %q, %v", data, err)
	}
}

func TestRemoveRefuses(t *testing.T) {
	d := t.TempDir()
	s := open(t, d+"/store")
	roots(t, s, "x1", "x2", "x3")
	switchTo(t, s, "x2")
	write(t, d+"/leases/node7", "x3")
	if err := os.Mkdir(s.Path("foreign"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, s.Dir())
	for tag, want := range map[string]string{
		"x2": "root x2 stays: current", "x3": "root x3 stays: in use: node7 (lease)",
		"none": `"none": no such root`, "foreign": "no such root", "current": "no such root", "../store/x1": "no such root", ".rootbuild": "no such root",
	} {
		err := s.Remove(t.Context(), []string{"x1", tag}, nfsroot.Sources{Leases: d + "/leases"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("Remove of %s: %v, want an error with %q", tag, err, want)
		}
		var held *nfsroot.HeldRootError
		if strings.HasPrefix(tag, "x") != errors.As(err, &held) {
			t.Errorf("Remove of %s: %v is a HeldRootError: %v", tag, err, held != nil)
		}
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
	if err := s.Remove(t.Context(), []string{"x1", "x1"}, nfsroot.Sources{}); err != nil {
		t.Errorf("a tag named twice: %v", err)
	}
	wantTags(t, s, "at the end", "x2 x3", "x1")
}

// TestCollectCurrentByHand leaves the root that a link of a person's leads to.
func TestCollectCurrentByHand(t *testing.T) {
	for name, target := range map[string]func(s *nfsroot.Store) string{
		"absolute": func(s *nfsroot.Store) string { return s.Path("x1") },
		"dotted":   func(*nfsroot.Store) string { return "./x1/" },
		"chain": func(s *nfsroot.Store) string {
			if err := os.Symlink("x1", s.Path("stable")); err != nil {
				t.Error(err)
			}
			return "stable"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			roots(t, s, "x1", "x2")
			if err := os.Symlink(target(s), s.Path("current")); err != nil {
				t.Fatal(err)
			}
			collect(t, s, in(hours, 0, 0))
			wantTags(t, s, "", "x1", "x2")
			if err := s.Remove(t.Context(), []string{"x1"}, nfsroot.Sources{}); err == nil {
				t.Error("Remove took what current leads to")
			}
		})
	}
}

// TestCollectOnFullDisk makes room where there is none.
func TestCollectOnFullDisk(t *testing.T) {
	dir := mountTmpfs(t, "size=2m")
	s := open(t, dir)
	roots(t, s, "x1", "x2")
	switchTo(t, s, "x2")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fillDisk(t, dir)
	s = open(t, dir)
	for range 2 {
		collect(t, s, in(hours, 0, 0))
	}
	wantTags(t, s, "at the end", "x2", "")
	mustUnpack(t, s, "x3", image(t, []entry{file("name", "x3")}))
}

func TestCollectRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	roots(t, s, "x1")
	before := treeOf(t, s.Dir())
	for _, p := range []nfsroot.Policy{in(0, -1, 0), in(0, 0, -1)} {
		if _, err := s.Collect(t.Context(), p); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("Collect under %+v: %v", p, err)
		}
	}
	write(t, filepath.Join(s.Dir(), ".rootbuild/trash/mine"), "")
	if _, err := s.Collect(t.Context(), in(hours, 0, 0)); err == nil || !strings.Contains(err.Error(), "trash/mine is not rootbuild's") {
		t.Errorf("Collect with a foreign file in the trash: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(s.Dir(), ".rootbuild/trash")); err != nil {
		t.Fatal(err)
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
}
