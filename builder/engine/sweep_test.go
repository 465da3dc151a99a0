package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

// A process that is killed between making a snapshot's directory and recording
// it leaves a number that looks free and is not.
func TestOrphanSnapshots(t *testing.T) {
	f := buildertest.New(t)
	addOrphans(t, f)
	low := f.Step("low", "echo low >/out/low")
	build(t, f, low)
	addOrphans(t, f)
	build(t, f, f.Step("high", "cat /low/low >/out/high", buildertest.Mount("/low", low)))
}

func build(t *testing.T, f buildertest.Fixture, s llb.State) {
	t.Helper()
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	jobs := []engine.Job{{Name: "job", Definition: buildertest.Marshal(t, s), Write: drain}}
	if err := errors.Join(e.Build(t.Context(), jobs, engine.Watch{}), e.Close()); err != nil {
		t.Fatal(err)
	}
}

func addOrphans(t *testing.T, f buildertest.Fixture) {
	t.Helper()
	dir := filepath.Join(f.State.BuildKit(), "runc-overlayfs", "snapshots", "snapshots")
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
	f := buildertest.New(t)
	cache := t.TempDir()
	if err := os.WriteFile(filepath.Join(cache, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mounts/one", "runc-overlayfs/executor/two/rootfs"} {
		dir := filepath.Join(f.State.BuildKit(), name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(cache, dir, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"mounts/one", "runc-overlayfs/executor/two"} {
		if _, err := os.Stat(filepath.Join(f.State.BuildKit(), name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want it gone", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(cache, "kept")); err != nil {
		t.Error(err)
	}
}
