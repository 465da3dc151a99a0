package nfsroot_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// A store that another user prepared is refused, and nothing that its links lead to
// is touched.
func TestOpenPrepared(t *testing.T) {
	const other = 12345
	tests := map[string]struct {
		prepare func(store, victim string) error
		want    string
	}{
		"staging": {func(s, v string) error { return os.Symlink(v, s+"/.rootbuild/staging") }, "staging is a symlink, not a directory"},
		"roots":   {func(s, v string) error { return os.Symlink(v, s+"/.rootbuild/roots") }, "roots is a symlink, not a directory"},
		"trash":   {func(s, v string) error { return os.Symlink(v, s+"/.rootbuild/trash") }, "trash is a symlink, not a directory"},
		"lock":    {func(s, v string) error { return os.Symlink(v+"/file", s+"/.rootbuild/lock") }, "lock is a symlink, not a regular file"},
		"records": {func(s, v string) error {
			return errors.Join(os.Remove(s+"/.rootbuild"), os.Symlink(v, s+"/.rootbuild"))
		}, ".rootbuild is a symlink, not a directory"},
		"owner":        {func(s, _ string) error { return os.Chown(s, other, other) }, "store belongs to uid 12345"},
		"owner within": {func(s, _ string) error { return os.Chown(s+"/.rootbuild", other, other) }, ".rootbuild belongs to uid 12345"},
		"world":        {func(s, _ string) error { return os.Chmod(s, 0o777) }, "store can be written by everybody"},
		"group":        {func(s, _ string) error { return errors.Join(os.Chown(s, 0, other), os.Chmod(s, 0o775)) }, "store can be written by group 12345"},
		"above":        {func(s, _ string) error { return os.Chown(filepath.Dir(s), other, other) }, "belongs to uid 12345"},
		"a FIFO":       {func(s, _ string) error { return unix.Mkfifo(s+"/.rootbuild/version", 0o644) }, "version is a FIFO, not a regular file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			outer := t.TempDir()
			store, victim := outer+"/store", outer+"/victim"
			err := errors.Join(os.MkdirAll(store+"/.rootbuild", 0o755), os.Mkdir(victim, 0o755),
				os.WriteFile(victim+"/file", []byte("mine"), 0o644), test.prepare(store, victim))
			if err != nil {
				t.Fatal(err)
			}
			before := treeOf(t, victim)
			s, err := nfsroot.Open(store, nfsroot.Options{})
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open: %v, want an error with %q", err, test.want)
			}
			equal(t, "victim", treeOf(t, victim), before)
		})
	}
}

// A journal that is a symlink is not written through.
func TestSwitchPreparedJournal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	mustUnpack(t, s, "one", image(t, []entry{file("etc/hostname", "one")}))
	victim := filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.WriteFile(victim, []byte("mine\n"), 0o644), os.Symlink(victim, dir+"/.rootbuild/switches.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := s.Switch(t.Context(), "one"); err == nil {
		t.Error("it switched")
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "mine\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// Directories above the store can be walked by clients, whatever the umask; and work
// that failed leaves none that it made.
func TestOpenMakesParents(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	outer := t.TempDir()
	store := outer + "/diskless/nfsroot"
	if err := nfsroot.Check(store); err != nil {
		t.Fatal(err)
	}
	equal(t, "after Check", treeOf(t, outer), map[string]string{".": treeOf(t, outer)["."]})
	s, err := nfsroot.Open(store, nfsroot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "above", treeOf(t, outer)["diskless"], "dir 0755 0:0")
	if err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	equal(t, "after Abandon", treeOf(t, outer), map[string]string{".": treeOf(t, outer)["."]})
	s = open(t, store)
	mustUnpack(t, s, "one", image(t, []entry{file("etc/hostname", "one")}))
	if err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store + "/one/etc/hostname"); err != nil {
		t.Error(err)
	}
}
