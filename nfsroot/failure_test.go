package nfsroot_test

import (
	"archive/tar"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
)

const nobody = 65534

// nextLayers is what the child "deploy" unpacks, and nextTree what must come of
// it. ownLayers can be unpacked by nobody.
var (
	nextLayers = [][]entry{
		{dir("usr/bin", 0o755), symlink("bin", "usr/bin"), file("bin/a", "lower"), file("gone", "g")},
		{file("usr/bin/a", "upper"), hardlink("usr/bin/b", "bin/a"), file(".wh.gone", "")},
	}
	ownLayers = [][]entry{{file("d/a", "1").with(func(h *tar.Header) { h.Uid, h.Gid, h.Mode = nobody, nobody, 0o4755 })}}
	nextTree  = map[string]string{
		".": root, "bin": "symlink 0:0 -> usr/bin", "usr": root, "usr/bin": root,
		"usr/bin/a": `file 0644 0:0 "upper"`, "usr/bin/b": "same as usr/bin/a",
	}
)

// child returns a command that runs one of children on a store.
func child(t *testing.T, name, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, dir)
	cmd.Env = append(os.Environ(), childVar+"="+name)
	return cmd
}

// storeWithBase makes a store whose current names the root base.
func storeWithBase(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	mustUnpack(t, s, "base", image(t, []entry{file("base", "b")}))
	switchTo(t, s, "base")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkAfterKill holds the store to its invariants as the kill left it, then
// deploys again as a user would, and puts the store back for the next kill.
func checkAfterKill(t *testing.T, dir string) {
	t.Helper()
	trees := map[string]map[string]string{"base": {".": root, "base": `file 0644 0:0 "b"`}, "next": nextTree}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch want, ok := trees[e.Name()]; {
		case ok:
			equal(t, "root "+e.Name(), treeOf(t, filepath.Join(dir, e.Name())), want)
		case e.Name() != "current" && e.Name() != ".rootbuild":
			t.Errorf("%s was left beside the roots", e.Name())
		}
	}
	current, err := os.Readlink(filepath.Join(dir, "current"))
	if _, ok := trees[current]; err != nil || !ok {
		t.Errorf("current -> %q, %v", current, err)
	}
	s := open(t, dir)
	if left, err := os.ReadDir(filepath.Join(dir, ".rootbuild/staging")); err != nil || len(left) > 0 {
		t.Errorf("staging after Open: %v, %v", left, err)
	}
	mustUnpack(t, s, "next", image(t, nextLayers...))
	switchTo(t, s, "next")
	equal(t, "the next root", treeOf(t, s.Path("next")), nextTree)
	switchTo(t, s, "base")
	if err := os.RemoveAll(s.Path("next")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKilledAtSystemCalls kills a deploy at each of its changes to the disk.
func TestKilledAtSystemCalls(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	if testing.Short() {
		t.Skip("kills a hundred processes")
	}
	for _, call := range []string{
		"mkdirat", "write", "pwrite64", "fchmod", "symlinkat", "linkat", "unlinkat",
		"ftruncate", "fsync", "syncfs", "renameat", "renameat2",
	} {
		t.Run(call, func(t *testing.T) {
			dir := mountTmpfs(t, "size=16m")
			storeWithBase(t, dir)
			for n := 1; ; n++ {
				cmd := child(t, "deploy", dir)
				cmd.Args = append([]string{strace, "-f", "-qq", "-o", "/dev/null",
					"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), "--"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
				cmd.Path = strace
				out, err := cmd.CombinedOutput()
				checkAfterKill(t, dir)
				if err == nil {
					t.Logf("%d kills", n-1)
					if n == 1 {
						t.Error("the call was never made")
					}
					return
				}
				if n > 200 || len(out) > 0 {
					t.Fatalf("kill %d: %v: %s", n, err, out)
				}
			}
		})
	}
}

// TestKilledAnytime needs no strace: it kills a deploy ever later.
func TestKilledAnytime(t *testing.T) {
	dir := mountTmpfs(t, "size=16m")
	storeWithBase(t, dir)
	start := time.Now()
	if out, err := child(t, "deploy", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	checkAfterKill(t, dir)
	const kills = 40
	for i := range kills {
		cmd := child(t, "deploy", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / kills)
		// It may have ended by itself; either way the store must be whole.
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		checkAfterKill(t, dir)
	}
}

func TestFullDisk(t *testing.T) {
	dir := mountTmpfs(t, "size=2m")
	s := open(t, dir)
	mustUnpack(t, s, "base", image(t, []entry{file("base", "b")}))
	switchTo(t, s, "base")
	before := treeOf(t, dir)
	big := image(t, []entry{file("small", "s"), file("big", strings.Repeat("x", 4<<20))})
	_, err := s.Unpack(t.Context(), big, nfsroot.UnpackOptions{Tag: "big"})
	if err == nil || !strings.Contains(err.Error(), "MiB were free") {
		t.Errorf("Unpack on a full disk: %v", err)
	}
	equal(t, "store", treeOf(t, dir), before)

	fillDisk(t, dir)
	before = treeOf(t, dir)
	unpacked := image(t, []entry{file("other", "o")})
	if _, err := s.Unpack(t.Context(), unpacked, nfsroot.UnpackOptions{Tag: "next"}); err == nil {
		t.Error("Unpack found room on a full disk")
	}
	equal(t, "store", treeOf(t, dir), before)
}

// fillDisk takes every byte.
func fillDisk(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

func TestSwitchOnFullDisk(t *testing.T) {
	dir := mountTmpfs(t, "size=2m")
	s := twoRoots(t, dir)
	switchTo(t, s, "a")
	fillDisk(t, dir)
	for i := range 200 {
		tag := []string{"b", "a"}[i%2]
		before := treeOf(t, dir)
		if err := s.Switch(t.Context(), tag); err != nil {
			equal(t, "store after a switch that found no room", treeOf(t, dir), before)
			return
		}
	}
	t.Error("200 switches fitted on a full disk")
}

func TestWithoutRootRights(t *testing.T) {
	dir := t.TempDir()
	// The test's directory is closed to others; the child is another.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := child(t, "nobody", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "writable as uid 65534") {
		t.Errorf("in a directory of root's: %v: %s", err, out)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	out, err = child(t, "nobody", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "need root rights") {
		t.Errorf("files of root's: %v: %s", err, out)
	}
	if left, err := os.ReadDir(filepath.Join(dir, ".rootbuild/staging")); err != nil || len(left) > 0 {
		t.Errorf("staging: %v, %v", left, err)
	}
	if out, err := child(t, "nobody's own file", dir).CombinedOutput(); err != nil {
		t.Errorf("files of its own: %v: %s", err, out)
	}
	equal(t, "root of its own", treeOf(t, filepath.Join(dir, "next")), map[string]string{
		".": "dir 0755 65534:65534", "d": "dir 0755 65534:65534", "d/a": `file 4755 65534:65534 "1"`,
	})
}
