package state_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/builder/state"
)

// What a killed run left is gone, and what was mounted below it is not.
func TestScratch(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	runc, err := buildertest.Runc()
	if err != nil {
		t.Fatal(err)
	}
	dir, cache := filepath.Join(t.TempDir(), "scratch"), t.TempDir()
	if err := os.WriteFile(filepath.Join(cache, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	killed, err := state.OpenScratch(t.Context(), dir, "first", engine.Builder{Runc: runc}, true)
	if err != nil {
		t.Fatal(err)
	}
	mounted := filepath.Join(killed.BuildKit(), "mounts", "one")
	if err := os.MkdirAll(mounted, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(cache, mounted, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := killed.Close(); err != nil {
		t.Fatal(err)
	}

	if _, err := state.OpenScratch(t.Context(), dir, "other", engine.Builder{Runc: runc}, false); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("got %v, want that it is not empty", err)
	}
	s, err := state.OpenScratch(t.Context(), dir, "second", engine.Builder{Runc: runc}, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.BuildKit()); !os.IsNotExist(err) {
		t.Errorf("BuildKit's directory: %v, want it gone", err)
	}
	if err := s.Remove(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want it gone", dir, err)
	}
	if _, err := os.Stat(filepath.Join(cache, "kept")); err != nil {
		t.Error(err)
	}
}
