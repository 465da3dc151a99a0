package nfsroot_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// netRaw is a capability as ping carries it: version 2, effective, cap_net_raw.
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// allKinds is a layer with one of each that a root can hold, and names that no
// terminal shows.
func allKinds() []entry {
	return []entry{
		dir("d", 0o1750).with(func(h *tar.Header) { h.Uid, h.Gid = 12, 34 }),
		file("d/file", "content"), hardlink("d/again", "d/file"), hardlink("a-first", "d/file"), file("d.e", "sorts before d/"),
		file("ping", "p").with(func(h *tar.Header) {
			h.Mode, h.PAXRecords = 0o4755, map[string]string{"SCHILY.xattr.security.capability": netRaw}
		}),
		symlink("link", "d/file"), file("empty", ""), file("tab\tand \x1b[31m", "1"), file("latin-\xe4", "2"), file(`"quoted"`, "3"),
		{tar.Header{Typeflag: tar.TypeChar, Name: "null", Mode: 0o666, Devmajor: 1, Devminor: 3}, ""},
		{tar.Header{Typeflag: tar.TypeBlock, Name: "disk", Mode: 0o660, Devmajor: 8, Devminor: 300}, ""},
		{tar.Header{Typeflag: tar.TypeFifo, Name: "fifo", Mode: 0o600}, ""},
	}
}

func check(t *testing.T, s *nfsroot.Store, tag string) []string {
	t.Helper()
	found, err := s.Check(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, d := range found {
		lines = append(lines, d.String())
	}
	return lines
}

func TestCheckIntact(t *testing.T) {
	s := open(t, t.TempDir())
	mustUnpack(t, s, "r", image(t, allKinds()))
	equal(t, "differences", check(t, s, "r"), []string{})
	// Layers over layers, links that lost their first name among them.
	mustUnpack(t, s, "over", image(t, allKinds(), []entry{
		file("d/file", "new"), file(".wh.a-first", ""), file("d/.wh.d", ""), dir("d", 0o700), file("implied/x", "1"),
	}, []entry{file("ping", "no capability")}))
	equal(t, "differences", check(t, s, "over"), []string{})
}

func TestCheckDifferences(t *testing.T) {
	keepTime := func(path string) func() error {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return func() error { return err }
		}
		return func() error {
			return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
		}
	}
	tests := []struct {
		name  string
		spoil func(root string) error
		want  string // how the one difference begins
	}{
		{"mode", func(r string) error { return os.Chmod(r+"/empty", 0o600) }, "empty: mode is 0600, want 0644"},
		{"setuid gone", func(r string) error { return os.Chmod(r+"/ping", 0o755) }, "ping: mode is 0755, want 4755"},
		{"owner", func(r string) error { return os.Lchown(r+"/link", 1, 2) }, "link: owner is 1:2, want 0:0"},
		{"size", func(r string) error { return os.WriteFile(r+"/empty", []byte("x"), 0) }, "empty: size is 1, want 0"},
		{"content of the same size", func(r string) error { return os.WriteFile(r+"/d.e", []byte("sorts-before-d/"), 0) }, "d.e: content is sha256:"},
		{"missing", func(r string) error { return os.Remove(r + "/fifo") }, "fifo: missing"},
		{"extra", func(r string) error { return os.WriteFile(r+"/d/z", nil, 0o644) }, "d/z: extra"},
		{"a strange name", func(r string) error { return os.WriteFile(r+"/z\n", nil, 0o644) }, `"z\n": extra`},
		{"target", func(r string) error { return errors.Join(os.Remove(r+"/link"), os.Symlink("d", r+"/link")) }, "link: target is d, want d/file"},
		{"type", func(r string) error { return errors.Join(os.Remove(r+"/fifo"), os.Mkdir(r+"/fifo", 0o600)) }, "fifo: type is directory, want fifo"},
		{"device", func(r string) error {
			return errors.Join(os.Remove(r+"/null"), unix.Mknod(r+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))), os.Chmod(r+"/null", 0o666))
		}, "null: device is 1,5, want 1,3"},
		{"capability gone", func(r string) error { return unix.Removexattr(r+"/ping", "security.capability") },
			"ping: security.capability is none, want 01000002"},
		{"capability added", func(r string) error { return unix.Setxattr(r+"/d.e", "security.capability", []byte(netRaw), 0) },
			"d.e: security.capability is 01000002"},
		{"link broken", func(r string) error {
			return errors.Join(os.Remove(r+"/d/again"), os.WriteFile(r+"/d/again", []byte("content"), 0o644))
		}, "d/again: type is file, want link"},
		{"time", func(r string) error { return os.Chtimes(r+"/empty", epoch, epoch) }, "empty: time is 2023-11-14T22:13:20Z, want 2020-09-13T12:26:40Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			mustUnpack(t, s, "r", image(t, allKinds()))
			root := s.Path("r")
			var restore []func() error
			for name := range treeOf(t, root) {
				restore = append(restore, keepTime(filepath.Join(root, name)))
			}
			err := test.spoil(root)
			if test.name != "time" {
				for _, again := range restore {
					if e := again(); !errors.Is(e, unix.ENOENT) {
						err = errors.Join(err, e)
					}
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := check(t, s, "r"); len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Errorf("differences = %q, want one: %q", got, test.want)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	mustUnpack(t, s, "r", image(t, []entry{file("a", "1")}))
	if _, err := s.Check(t.Context(), "none"); !errors.Is(err, nfsroot.ErrNoRoot) {
		t.Errorf("check of a root that is not there: %v", err)
	}
	path := filepath.Join(s.Dir(), ".rootbuild/roots/r.inventory.zst")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(t.Context(), "r"); err == nil || !strings.Contains(err.Error(), path+" is damaged") {
		t.Errorf("check with a damaged inventory: %v", err)
	}
	record := filepath.Join(s.Dir(), ".rootbuild/roots/r.json")
	data = compressed(t, func(w io.Writer) error { return send(w, []byte(`{"layers":[]}`)) })
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.WriteFile(record, vouching(t, s.Dir(), "r", data), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(t.Context(), "r"); !errors.Is(err, unpack.ErrNoInventory) {
		t.Errorf("check of a root whose inventory an earlier rootbuild kept: %v", err)
	}
	old := `{"tag":"r","digest":"sha256:` + strings.Repeat("0", 64) + `","created":"2026-01-01T00:00:00Z","size":1,"files":2}`
	if err := os.WriteFile(record, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(t.Context(), "r"); !errors.Is(err, unpack.ErrNoInventory) {
		t.Errorf("check of a root of an earlier rootbuild: %v", err)
	}
}
