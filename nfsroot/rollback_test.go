package nfsroot_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// rollBack rolls back, and fails unless that leads to want.
func rollBack(t *testing.T, s *nfsroot.Store, want string) {
	t.Helper()
	tag, err := s.Rollback(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	current, err := s.Current()
	if err != nil || tag != want || current != want {
		t.Fatalf("rolled back to %q, current is %q, %v, want %q", tag, current, err, want)
	}
}

// cannotRollBack fails unless there is nowhere to go back to.
func cannotRollBack(t *testing.T, s *nfsroot.Store) {
	t.Helper()
	before := treeOf(t, s.Dir())
	if tag, err := s.Rollback(t.Context()); !errors.Is(err, nfsroot.ErrNoPrevious) {
		t.Errorf("rolled back to %q, %v, want ErrNoPrevious", tag, err)
	}
	equal(t, "store", treeOf(t, s.Dir()), before)
}

func TestRollback(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	mustUnpack(t, s, "c", image(t, []entry{file("name", "c")}))
	cannotRollBack(t, s)
	switchTo(t, s, "a")
	cannotRollBack(t, s)
	for _, tag := range []string{"b", "c"} {
		switchTo(t, s, tag)
	}
	rollBack(t, s, "b")
	rollBack(t, s, "a")
	cannotRollBack(t, s)
	// From here on, what was left behind is as if it had never been.
	switchTo(t, s, "c")
	rollBack(t, s, "a")
	equal(t, "journal", journal(t, s), []string{
		" -> a by tester", "a -> b by tester", "b -> c by tester", "c -> b by tester", "b -> a by tester", "a -> c by tester", "c -> a by tester",
	})
}

func TestRollbackSkips(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	mustUnpack(t, s, "c", image(t, []entry{file("name", "c")}))
	for _, tag := range []string{"a", "b", "c"} {
		switchTo(t, s, tag)
	}
	if err := os.RemoveAll(s.Path("b")); err != nil {
		t.Fatal(err)
	}
	rollBack(t, s, "a")
}

// TestRollbackAfterHand moves current as a person would without rootbuild.
func TestRollbackAfterHand(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	if err := errors.Join(os.Remove(s.Path("current")), os.Symlink("b", s.Path("current"))); err != nil {
		t.Fatal(err)
	}
	rollBack(t, s, "a")
}

func TestSwitches(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	// What a kill between the journal and the symlink leaves.
	appendJournal(t, s, `{"when":"2026-11-01T00:00:00Z","from":"a","to":"b","by":"killed","command":"c"}`+"\n")
	check := func(when string, want ...string) {
		t.Helper()
		switches, err := s.Switches()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range switches {
			line := w.From + " -> " + w.To + " by " + w.By + "@" + w.Host
			if w.Rollback {
				line += ", back"
			}
			if w.Void {
				line += ", void"
			}
			got = append(got, line)
		}
		equal(t, "switches "+when, got, want)
	}
	check("after a kill", " -> a by tester@test.example.org", "a -> b by killed@, void")
	cannotRollBack(t, s)
	switchTo(t, s, "b")
	rollBack(t, s, "a")
	check("later", " -> a by tester@test.example.org", "a -> b by killed@, void", "a -> b by tester@test.example.org", "b -> a by tester@test.example.org, back")
	appendJournal(t, s, `{"when":`)
	check("with half a line", " -> a by tester@test.example.org", "a -> b by killed@, void", "a -> b by tester@test.example.org", "b -> a by tester@test.example.org, back")
}

func TestSwitchesDamaged(t *testing.T) {
	s := twoRoots(t, t.TempDir())
	switchTo(t, s, "a")
	appendJournal(t, s, "what is this\n")
	if _, err := s.Switches(); err == nil || !strings.Contains(err.Error(), "switches.jsonl:2: ") {
		t.Errorf("Switches of a damaged journal: %v", err)
	}
}

func appendJournal(t *testing.T, s *nfsroot.Store, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.Dir(), ".rootbuild/switches.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
