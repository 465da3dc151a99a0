package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

func TestStateLocked(t *testing.T) {
	dir := t.TempDir()
	first, err := state.Open(dir, "first")
	if err != nil {
		t.Fatal(err)
	}
	_, err = state.Open(dir, "second")
	var held *lockfile.HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Command != "first" {
		t.Errorf("got %v, want that this process holds it", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := state.Open(dir, "third")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestStateNewer(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		// Twice: a refused directory is not left locked.
		_, err := state.Open(dir, "test")
		if err == nil || !strings.Contains(err.Error(), `has format "2"`) {
			t.Errorf("got %v, want an error about format 2", err)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	s, err := state.Open(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := state.Check(dir); err != nil {
		t.Error(err)
	}
	if err := state.Check(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no state directory of rootbuild") {
		t.Errorf("got %v, want that another directory is refused", err)
	}
}
