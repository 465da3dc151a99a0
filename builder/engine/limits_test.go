package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

// Steps run in a cgroup that is bounded, and that is gone with the engine.
func TestStepLimits(t *testing.T) {
	f := buildertest.New(t)
	s := f.Step("package big 1.0", "echo >/out/running")
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int64{}
	// The step itself is done when its tree arrives, but its group is there until the end.
	look := func(string) {
		for _, file := range []string{"pids.max", "memory.max", "memory.limit_in_bytes"} {
			for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
				found, err := filepath.Glob(filepath.Join(dir, "rootbuild-*", "buildkit", "..", file))
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range found {
					text, err := os.ReadFile(name)
					if err != nil {
						continue // another test's, which has just ended
					}
					seen[strings.TrimSuffix(strings.TrimSuffix(file, ".max"), ".limit_in_bytes")], err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
					if err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
	err = e.Build(t.Context(), []engine.Job{{Name: "big", Definition: buildertest.Marshal(t, s), Write: drain}}, engine.Watch{
		Step: func(s engine.Step) error { look(s.Name); return nil },
	})
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	if m := seen["memory"]; m < int64(info.Totalram)/2 || m >= int64(info.Totalram) {
		t.Errorf("the steps may have %d bytes of memory, of %d", m, info.Totalram)
	}
	if p := seen["pids"]; p < 100 || p > 1<<21 {
		t.Errorf("the steps may have %d processes", p)
	}
}

// A step that fills the disk is stopped while some is left, and the error says of what.
func TestStepFillsDisk(t *testing.T) {
	f := buildertest.New(t)
	dir := f.State.BuildKit()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	s := f.Step("package endless 1.0", "cat /dev/zero >/out/file; sleep 600")
	err = e.Build(t.Context(), []engine.Job{{Name: "endless", Definition: buildertest.Marshal(t, s), Write: drain}}, engine.Watch{})
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	var full *engine.FullError
	if !errors.As(err, &full) || full.Dir != dir {
		t.Errorf("got %v, want a FullError", err)
	}
}
