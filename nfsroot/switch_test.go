package nfsroot_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// journal returns "from -> to by user" for each switch, the oldest first.
func journal(t *testing.T, s *nfsroot.Store) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.Dir(), ".rootbuild/switches.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		var l struct{ From, To, By string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, l.From+" -> "+l.To+" by "+l.By)
	}
	return lines
}

func twoRoots(t testing.TB, dir string) *nfsroot.Store {
	t.Helper()
	s := open(t, dir)
	mustUnpack(t, s, "a", image(t, []entry{file("name", "a")}))
	mustUnpack(t, s, "b", image(t, []entry{file("name", "b")}))
	return s
}

func TestSwitch(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	if tag, err := s.Current(); tag != "" || err != nil {
		t.Errorf("Current of a new store = %q, %v", tag, err)
	}
	for _, tag := range []string{"a", "a", "b", "a"} {
		switchTo(t, s, tag)
		target, err := os.Readlink(s.Path("current"))
		if err != nil || target != tag {
			t.Errorf("current -> %q, %v, want %q", target, err, tag)
		}
	}
	equal(t, "journal", journal(t, s), []string{" -> a by tester", "a -> b by tester", "b -> a by tester"})
	roots, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roots {
		if r.Current != (r.Tag == "a") {
			t.Errorf("root %s: Current = %v", r.Tag, r.Current)
		}
	}
}

func TestSwitchRefuses(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	if err := os.Mkdir(s.Path("foreign"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, s.Dir())
	for _, tag := range []string{"c", "foreign"} {
		err := s.Switch(t.Context(), tag)
		if !errors.Is(err, nfsroot.ErrNoRoot) || !strings.Contains(err.Error(), "a, b") && !strings.Contains(err.Error(), "b, a") {
			t.Errorf("Switch to %s: %v, want ErrNoRoot and what there is", tag, err)
		}
	}
	for _, tag := range []string{"../a", "current", "", "a/"} {
		if err := s.Switch(t.Context(), tag); err == nil {
			t.Errorf("switched to %q", tag)
		}
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
}

func TestSwitchOverDirectory(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	if err := os.Mkdir(s.Path("current"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.Switch(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("Switch over a directory: %v", err)
	}
}

func TestSwitchForeignLink(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	if err := os.Symlink("/elsewhere/old", s.Path("current")); err != nil {
		t.Fatal(err)
	}
	switchTo(t, s, "a")
	equal(t, "journal", journal(t, s), []string{"/elsewhere/old -> a by tester"})
}

func TestSwitchAfterTornJournal(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	appendJournal(t, s, `{"when":"2026-11-`)
	switchTo(t, s, "b")
	equal(t, "journal", journal(t, s), []string{" -> a by tester", "a -> b by tester"})
}

// TestSwitchTakesBackItsLine makes the symlink fail after the journal is written.
func TestSwitchTakesBackItsLine(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	if err := os.Remove(filepath.Join(s.Dir(), ".rootbuild/staging")); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, s.Dir())
	if err := s.Switch(t.Context(), "b"); err == nil {
		t.Error("switched without staging")
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
}

// TestCurrentNeverMissing reads through current while it is replaced.
func TestCurrentNeverMissing(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	path := filepath.Join(s.Dir(), "current", "name")
	var reads atomic.Int64
	readers, ctx := errgroup.WithContext(t.Context())
	flipped := make(chan struct{})
	readers.Go(func() error {
		for {
			select {
			case <-flipped:
				return nil
			default:
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if got := string(data); got != "a" && got != "b" {
				return errors.New("read " + got)
			}
			reads.Add(1)
		}
	})
	flips := 0
	for ; ctx.Err() == nil && (flips < 100 || reads.Load() < 100_000); flips++ {
		switchTo(t, s, []string{"b", "a"}[flips%2])
	}
	close(flipped)
	if err := readers.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d flips, %d reads", flips, reads.Load())
}
