package nfsroot_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// treeOf describes each name below dir: "file 0644 0:0 "text"", "dir 0755 0:0",
// "symlink 0:0 -> target", and "same as other" for a further hard link.
func treeOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	tree, inodes := map[string]string{}, map[uint64]string{}
	walk(t, dir, func(path, name string) {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			t.Fatal(err)
		}
		if first, ok := inodes[st.Ino]; ok {
			tree[name] = "same as " + first
			return
		}
		if st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			inodes[st.Ino] = name
		}
		tree[name] = describe(t, path, st)
	})
	return tree
}

func describe(t testing.TB, path string, st unix.Stat_t) string {
	t.Helper()
	owner := fmt.Sprintf("%d:%d", st.Uid, st.Gid)
	mode := fmt.Sprintf("%04o %s", st.Mode&0o7777, owner)
	device := fmt.Sprintf(" %d,%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "dir " + mode
	case unix.S_IFCHR:
		return "char " + mode + device
	case unix.S_IFBLK:
		return "block " + mode + device
	case unix.S_IFIFO:
		return "fifo " + mode
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		return "symlink " + owner + " -> " + target
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 40 {
		return fmt.Sprintf("file %s %x", mode, sha256.Sum256(data))
	}
	return fmt.Sprintf("file %s %q", mode, data)
}

// timesOf returns the modification time of each name below dir.
func timesOf(t testing.TB, dir string) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	walk(t, dir, func(path, name string) {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		times[name] = info.ModTime()
	})
	return times
}

func walk(t testing.TB, dir string, visit func(path, name string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		visit(path, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// mountTmpfs mounts a file system of the test's own on a new directory.
func mountTmpfs(t testing.TB, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755,"+options); err != nil {
		t.Skipf("mounting a tmpfs needs root rights: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}
