package nfsroot_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// fileSystems are those that roots lie on, with what makes them keep less.
var fileSystems = map[string][]string{
	"ext4":                 {"mkfs.ext4", "-q", "-b", "4096"},
	"ext4, 128-byte inode": {"mkfs.ext4", "-q", "-b", "4096", "-I", "128"},
	"xfs":                  {"mkfs.xfs", "-q"},
	"xfs without bigtime":  {"mkfs.xfs", "-q", "-m", "bigtime=0"},
	"btrfs":                {"mkfs.btrfs", "-q"},
}

// onFileSystems runs a test on a new file system of each kind.
func onFileSystems(t *testing.T, f func(t *testing.T, dir string)) {
	t.Helper()
	for name, mkfs := range fileSystems {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(mkfs[0]); err != nil {
				t.Skip("needs " + mkfs[0])
			}
			f(t, mountImage(t, 400<<20, mkfs...))
		})
	}
}

// attributed is an entry with extended attributes, in pairs.
func attributed(e entry, xattrs ...string) entry {
	e.PAXRecords = map[string]string{}
	for i := 0; i < len(xattrs); i += 2 {
		e.PAXRecords[xattrRecord+xattrs[i]] = xattrs[i+1]
	}
	return e
}

func timed(e entry, sec int64) entry {
	e.ModTime = time.Unix(sec, 0)
	return e
}

func longPath(n int) string {
	return strings.Repeat(strings.Repeat("d", 199)+"/", n/200) + strings.Repeat("f", n%200)
}

const (
	capability = "\x01\x00\x00\x02" + "\x00\x04\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	access     = "system.posix_acl_access"
	initial    = "system.posix_acl_default"
)

// Each kind of what some file system does not keep is refused there, never gets a name
// and is no full disk; elsewhere check confirms it.
func TestWhatFileSystemsRefuse(t *testing.T) {
	special := func(typ byte, name string) entry {
		return entry{tar.Header{Typeflag: typ, Name: name, Mode: 0o640, Devmajor: 1, Devminor: 3}, ""}
	}
	mode := func(e entry, m int64) entry { return e.with(func(h *tar.Header) { h.Mode = m }) }
	owned := func(e entry, uid, gid int) entry { return e.with(func(h *tar.Header) { h.Uid, h.Gid = uid, gid }) }
	tests := map[string]struct {
		layer []entry
		// The file systems that refuse it; "" for all. Others take it.
		refused []string
	}{
		"file":         {layer: []entry{owned(mode(file("f", "x"), 0o6755), 1, 2)}},
		"directory":    {layer: []entry{owned(mode(dir("d", 0o755), 0o3775), 1, 2), file("d/f", "x")}},
		"shut":         {layer: []entry{dir("d", 0), file("d/f", "x"), mode(file("f", "y"), 0)}},
		"links":        {layer: []entry{file("b", "x"), hardlink("a", "b"), symlink("s", "b"), hardlink("t", "s")}},
		"long symlink": {layer: []entry{symlink("s", strings.Repeat("x", 4095)), symlink("e", "a")}, refused: []string{"xfs", "xfs without bigtime"}},
		"devices":      {layer: []entry{special(tar.TypeChar, "c"), special(tar.TypeBlock, "b"), special(tar.TypeFifo, "p")}},
		"large ids":    {layer: []entry{owned(file("f", "x"), 1<<32-2, 1<<31)}},

		"2038":            {layer: []entry{timed(file("f", "x"), 1<<31-1), timed(dir("d", 0o755), -1<<31), timed(symlink("s", "f"), 1<<31-1)}},
		"file later":      {layer: []entry{timed(file("f", "x"), 2524608000)}, refused: []string{"ext4, 128-byte inode", "xfs without bigtime"}},
		"directory later": {layer: []entry{timed(dir("d", 0o755), 2524608000)}, refused: []string{"ext4, 128-byte inode", "xfs without bigtime"}},
		"symlink later":   {layer: []entry{timed(symlink("s", "x"), 2524608000)}, refused: []string{"ext4, 128-byte inode", "xfs without bigtime"}},
		"fifo later":      {layer: []entry{timed(special(tar.TypeFifo, "p"), 2524608000)}, refused: []string{"ext4, 128-byte inode", "xfs without bigtime"}},
		"top later":       {layer: []entry{timed(dir(".", 0o755), 2524608000)}, refused: []string{"ext4, 128-byte inode", "xfs without bigtime"}},

		"capability":            {layer: []entry{attributed(file("f", "x"), "security.capability", capability)}},
		"empty capability":      {layer: []entry{attributed(file("f", "x"), "security.capability", "")}, refused: []string{""}},
		"damaged capability":    {layer: []entry{attributed(file("f", "x"), "security.capability", "x")}, refused: []string{""}},
		"capability, symlink":   {layer: []entry{attributed(symlink("s", "x"), "security.capability", capability)}},
		"user attributes":       {layer: []entry{attributed(file("f", "x"), "user.a", "1", "user.b", ""), attributed(dir("d", 0o755), "user.a", "1")}},
		"user, symlink":         {layer: []entry{attributed(symlink("s", "x"), "user.a", "1")}},
		"ACL":                   {layer: []entry{attributed(mode(file("f", "x"), 0o674), access, acl(6, 5, 5, 7, 4))}},
		"ACL with another mask": {layer: []entry{attributed(mode(file("f", "x"), 0o644), access, acl(6, 5, 4, 7, 4))}, refused: []string{""}},
		"ACL, damaged":          {layer: []entry{attributed(file("f", "x"), access, "x")}, refused: []string{""}},
		"ACL, inherited":        {layer: []entry{attributed(dir("d", 0o755), initial, acl(7, 5, 5, 7, 5)), dir("d/e", 0o700), file("d/f", "x")}},

		"path of 4,095 bytes":        {layer: []entry{file(longPath(4095), "x")}},
		"path of 4,096 bytes":        {layer: []entry{file(longPath(4096), "x")}, refused: []string{""}},
		"attributes of 3,000 bytes":  {layer: []entry{attributed(file("f", "x"), "user.a", strings.Repeat("x", 3000))}},
		"attributes of 6,000 bytes":  {layer: []entry{attributed(file("f", "x"), "user.a", strings.Repeat("x", 6000))}, refused: []string{"ext4", "ext4, 128-byte inode"}},
		"attributes of 60,000 bytes": {layer: []entry{attributed(file("f", "x"), "user.a", strings.Repeat("x", 60000))}, refused: []string{"ext4", "ext4, 128-byte inode", "btrfs"}},
	}
	onFileSystems(t, func(t *testing.T, store string) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				_, kind, _ := strings.Cut(filepath.Dir(t.Name()), "/")
				refused := false
				for _, r := range test.refused {
					refused = refused || r == "" || strings.ReplaceAll(r, " ", "_") == kind
				}
				err := wantConfirmed(t, store, image(t, test.layer))
				if refused != (err != nil) {
					t.Errorf("refused: %v; want %v", err, refused)
				}
				if err != nil && strings.Contains(err.Error(), "MiB were free") {
					t.Errorf("it is told as a full disk: %v", err)
				}
			})
		}
	})
}

// wantConfirmed unpacks an image, and wants it as it is, or nowhere. It returns why it
// was refused.
func wantConfirmed(t *testing.T, store string, img v1.Image) error {
	t.Helper()
	s, err := nfsroot.Open(filepath.Join(store, "nfsroot"), nfsroot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, refusal := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "one"})
	if refusal != nil {
		for _, dir := range []string{"one", ".rootbuild/roots", ".rootbuild/staging"} {
			if left, err := os.ReadDir(s.Path(dir)); len(left) > 0 || dir == "one" && err == nil {
				t.Errorf("it was refused, and %s holds %v", dir, left)
			}
		}
		return refusal
	}
	found, err := s.Check(t.Context(), "one")
	if err != nil || len(found) > 0 {
		t.Errorf("it was taken, and check says %v, %v", found, err)
	}
	err = s.Remove(t.Context(), []string{"one"}, nfsroot.Sources{})
	if err := errors.Join(err, os.RemoveAll(s.Path(".rootbuild/trash"))); err != nil {
		t.Fatal(err)
	}
	return nil
}

// Names that come into a directory whose default ACL gives them one do not keep it.
func TestUnpackBelowDefaultACL(t *testing.T) {
	store := mountImage(t, 64<<20, "mkfs.ext4", "-q")
	if err := unix.Setxattr(store, initial, []byte(acl(7, 5, 5, 7, 5)), 0); err != nil {
		t.Fatal(err)
	}
	if err := wantConfirmed(t, store, image(t, []entry{dir("d", 0o755), file("d/f", "x"), symlink("s", "d")})); err != nil {
		t.Error(err)
	}
}

// A file system without inodes is told as that.
func TestUnpackWithoutInodes(t *testing.T) {
	store := mountImage(t, 64<<20, "mkfs.ext4", "-q", "-N", "128")
	var layer []entry
	for i := range 300 {
		layer = append(layer, file(fmt.Sprint(i), ""))
	}
	err := wantConfirmed(t, store, image(t, layer))
	if err == nil || !strings.Contains(err.Error(), "no inodes left") || strings.Contains(err.Error(), "MiB") {
		t.Error(err)
	}
}
