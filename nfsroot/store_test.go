package nfsroot_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

func TestOpenCreates(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	dir := filepath.Join(t.TempDir(), "nfsroot")
	open(t, dir)
	tree := treeOf(t, dir)
	equal(t, "store", tree["."], "dir 0755 0:0")
	equal(t, ".rootbuild", tree[".rootbuild"], "dir 0700 0:0")
	equal(t, "version", tree[".rootbuild/version"], `file 0600 0:0 "1\n"`)
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(dir string) error
		want    string
	}{
		{"a file", func(d string) error { return os.WriteFile(d, nil, 0o644) }, "is a file: name a directory"},
		{"a file for .rootbuild", func(d string) error {
			return errors.Join(os.Mkdir(d, 0o755), os.WriteFile(d+"/.rootbuild", nil, 0o644))
		}, "not a directory"},
		{"a newer format", func(d string) error {
			return errors.Join(os.MkdirAll(d+"/.rootbuild", 0o755), os.WriteFile(d+"/.rootbuild/version", []byte("2\n"), 0o644))
		}, "format 2, this rootbuild knows up to 1"},
		{"a damaged version", func(d string) error {
			return errors.Join(os.MkdirAll(d+"/.rootbuild", 0o755), os.WriteFile(d+"/.rootbuild/version", []byte("x"), 0o644))
		}, `"x" is no version`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outer := t.TempDir()
			dir := filepath.Join(outer, "store")
			if err := test.prepare(dir); err != nil {
				t.Fatal(err)
			}
			before := treeOf(t, outer)
			_, err := nfsroot.Open(dir, nfsroot.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("Open: %v, want an error with %q and the path", err, test.want)
			}
			equal(t, "directory", treeOf(t, outer), before)
			if _, err := nfsroot.OpenReadOnly(dir); err == nil {
				t.Error("OpenReadOnly took it")
			}
		})
	}
}

func TestOpenExisting(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		parent := filepath.Dir(dir)
		before := treeOf(t, parent)
		if _, err := nfsroot.Open(dir, nfsroot.Options{Existing: true}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open of no store: %v, want fs.ErrNotExist", err)
		}
		equal(t, "what is there", treeOf(t, parent), before)
	}
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	s, err := nfsroot.Open(dir, nfsroot.Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenReadOnlyFileSystem(t *testing.T) {
	dir := mountTmpfs(t, "size=1m")
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, err := nfsroot.Open(dir, nfsroot.Options{})
	if !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "mount it read-write") {
		t.Errorf("Open: %v, want EROFS and what to do", err)
	}
}

func TestOpenLocked(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	before := treeOf(t, dir)
	_, err := nfsroot.Open(dir, nfsroot.Options{Command: "second"})
	var locked *lockfile.HeldError
	if !errors.As(err, &locked) {
		t.Fatalf("second Open: %v, want a HeldError", err)
	}
	if locked.PID != os.Getpid() || locked.Command != "test" || locked.Since.IsZero() {
		t.Errorf("holder = %+v", locked)
	}
	if v, err := nfsroot.OpenReadOnly(dir); err != nil {
		t.Errorf("OpenReadOnly of a locked store: %v", err)
	} else if _, err := v.List(); err != nil {
		t.Errorf("List of a locked store: %v", err)
	}
	equal(t, "store", treeOf(t, dir), before)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenSweeps(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	mustUnpack(t, s, "r", image(t, []entry{file("a", "1")}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := treeOf(t, dir)
	orphan, err := os.ReadFile(dir + "/.rootbuild/roots/r.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.MkdirAll(dir+"/.rootbuild/staging/x-1/usr", 0),
		os.Symlink("x", dir+"/.rootbuild/staging/current"),
		os.WriteFile(dir+"/.rootbuild/roots/gone.json", orphan, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	v, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := v.List()
	if err != nil || len(roots) != 1 || roots[0].Tag != "r" {
		t.Errorf("List = %v, %v, want r alone", roots, err)
	}
	open(t, dir)
	after := treeOf(t, dir)
	delete(before, ".rootbuild/lock")
	delete(after, ".rootbuild/lock")
	equal(t, "store", after, before)
}

func TestOpenReadOnly(t *testing.T) {
	if _, err := nfsroot.OpenReadOnly(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent store: %v", err)
	}
	dir := t.TempDir()
	v, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if roots, err := v.List(); err != nil || len(roots) != 0 {
		t.Errorf("List = %v, %v", roots, err)
	}
	equal(t, "directory", treeOf(t, dir), map[string]string{".": treeOf(t, dir)["."]})
}
