package builder_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that is killed between making a snapshot's directory and recording
// it leaves a number that looks free and is not.
func TestOrphanSnapshots(t *testing.T) {
	f := newFixture(t)
	p := packages(t, f)
	addOrphans(t, f)
	f.layers(t, p[:1])
	addOrphans(t, f)
	f.layers(t, p)
}

func addOrphans(t *testing.T, f fixture) {
	t.Helper()
	dir := filepath.Join(f.state.BuildKit(), "runc-overlayfs", "snapshots", "snapshots")
	for i := range 50 {
		number := filepath.Join(dir, strconv.Itoa(i))
		if _, err := os.Stat(number); err == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Join(number, "fs"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Mounts that a killed process left are undone, and what they show is kept.
func TestSweepMounts(t *testing.T) {
	f := newFixture(t)
	cache := t.TempDir()
	if err := os.WriteFile(filepath.Join(cache, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mounts/one", "runc-overlayfs/executor/two/rootfs"} {
		dir := filepath.Join(f.state.BuildKit(), name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(cache, dir, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	engine, err := f.start()
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"mounts/one", "runc-overlayfs/executor/two"} {
		if _, err := os.Stat(filepath.Join(f.state.BuildKit(), name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want it gone", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(cache, "kept")); err != nil {
		t.Error(err)
	}
}
