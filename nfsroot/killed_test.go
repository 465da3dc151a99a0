package nfsroot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// changes are what a test kills, each with the system calls that it makes on
// the disk, and the roots and the trash that it leads to in the end.
var changes = map[string]struct {
	do          func(s *nfsroot.Store) error
	calls       []string
	roots       string
	trash       []string // what may be in it: a second collection goes on where the first was
	current     string
	neverLosing []string // roots that no kill may take
}{
	"collect": {
		do: func(s *nfsroot.Store) error {
			_, err := s.Collect(context.Background(), nfsroot.Policy{Now: time.Now().Add(hours)})
			return err
		},
		calls: []string{"write", "renameat2", "unlinkat", "fsync"},
		roots: "x2 x3", trash: []string{"", "x1"}, current: "x3", neverLosing: []string{"x2", "x3"},
	},
	"remove": {
		do: func(s *nfsroot.Store) error {
			err := s.Remove(context.Background(), []string{"x1"}, nfsroot.Sources{})
			if errors.Is(err, nfsroot.ErrNoRoot) {
				return nil // the run that was killed had done it
			}
			return err
		},
		calls: []string{"renameat2", "unlinkat", "fsync"},
		roots: "x2 x3", trash: []string{"x0 x1"}, current: "x3", neverLosing: []string{"x2", "x3"},
	},
	"rollback": {
		do: func(s *nfsroot.Store) error {
			if current, err := s.Current(); err != nil || current == "x2" {
				return err // likewise
			}
			_, err := s.Rollback(context.Background())
			return err
		},
		calls: []string{"pwrite64", "ftruncate", "fsync", "unlinkat", "symlinkat", "renameat"},
		roots: "x1 x2 x3", trash: []string{"x0"}, current: "x2", neverLosing: []string{"x1", "x2", "x3"},
	},
}

func change(name string) func(dir string) error {
	return func(dir string) error {
		s, err := nfsroot.Open(dir, nfsroot.Options{})
		if err != nil {
			return err
		}
		return errors.Join(changes[name].do(s), s.Close())
	}
}

// storeToChange makes a store with three roots and one in the trash.
func storeToChange(t *testing.T, dir string) {
	t.Helper()
	s, err := nfsroot.Open(dir, nfsroot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	roots(t, s, "x0", "x1", "x2", "x3")
	if err := s.Remove(t.Context(), []string{"x0"}, nfsroot.Sources{}); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"x1", "x2", "x3"} {
		switchTo(t, s, tag)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestChangesKilled ends each change at each of its system calls, and fails
// each of them.
func TestChangesKilled(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	if testing.Short() {
		t.Skip("kills a hundred processes")
	}
	for name, c := range changes {
		for _, call := range c.calls {
			for _, fault := range []string{"signal=KILL", "error=EIO", "error=ENOSPC"} {
				t.Run(name+"/"+call+"/"+fault, func(t *testing.T) {
					parent := mountTmpfs(t, "size=64m")
					for n := 1; ; n++ {
						dir := filepath.Join(parent, fmt.Sprint(n))
						storeToChange(t, dir)
						cmd := child(t, name, dir)
						cmd.Args = append([]string{strace, "-f", "-qq", "-o", "/dev/null",
							"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n), "--", cmd.Path}, cmd.Args[1:]...)
						cmd.Path = strace
						out, err := cmd.CombinedOutput()
						checkChanged(t, dir, name)
						if err == nil {
							t.Logf("%d faults", n-1)
							if n == 1 && fault == "signal=KILL" {
								t.Error("the call was never made")
							}
							return
						}
						if n > 100 {
							t.Fatalf("fault %d: %v: %s", n, err, out)
						}
					}
				})
			}
		}
	}
}

// checkChanged holds a store to its invariants as a fault left it, then makes
// the change again, which has to come to its end.
func checkChanged(t *testing.T, dir, name string) {
	t.Helper()
	c := changes[name]
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		if e.Name() == "current" || e.Name() == ".rootbuild" {
			continue
		}
		there[e.Name()] = true
		equal(t, "root "+e.Name(), treeOf(t, filepath.Join(dir, e.Name())), map[string]string{".": root, "name": fmt.Sprintf("file 0644 0:0 %q", e.Name())})
	}
	current, err := os.Readlink(filepath.Join(dir, "current"))
	if err != nil || current != "x3" && current != c.current || !there[current] {
		t.Errorf("current -> %q, %v", current, err)
	}
	for _, tag := range c.neverLosing {
		if !there[tag] {
			t.Errorf("root %s is gone", tag)
		}
	}
	s := open(t, dir)
	if err := c.do(s); err != nil {
		t.Errorf("again: %v", err)
	}
	left, trash := tags(t, s)
	if strings.Join(left, " ") != c.roots || !slices.Contains(c.trash, strings.Join(trash, " ")) {
		t.Errorf("at the end there are the roots %v, and in the trash %v", left, trash)
	}
	if current, err := s.Current(); err != nil || current != c.current {
		t.Errorf("current at the end -> %q, %v", current, err)
	}
	for tag := range there {
		if _, err := s.Check(t.Context(), tag); err != nil && !errors.Is(err, nfsroot.ErrNoRoot) {
			t.Errorf("checking %s: %v", tag, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
