package nfsroot_test

import (
	"archive/tar"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// labelled are entries with labels in each form, beside attributes that are none.
func labelled() []entry {
	with := func(name string, records map[string]string) entry {
		return file(name, name).with(func(h *tar.Header) { h.PAXRecords = records })
	}
	return []entry{
		with("selinux", map[string]string{"SCHILY.xattr.security.selinux": "system_u:object_r:etc_t:s0", "SCHILY.xattr.user.note": "1"}),
		with("redhat", map[string]string{"RHT.security.selinux": "system_u:object_r:etc_t:s0"}),
		with("overlay", map[string]string{"SCHILY.xattr.trusted.overlay.opaque": "y"}),
		with("ima", map[string]string{"SCHILY.xattr.security.ima": "\x01"}),
		symlink("link", "x").with(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.user.note": "1"} }),
		with("none", nil),
	}
}

func xattr1(path, name string) string {
	buf := make([]byte, 100)
	n, err := unix.Lgetxattr(path, name, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// By one rule for all forms of labels: they are left out with one note, or kept, or the
// image is refused.
func TestLabels(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("setting labels needs root")
	}
	s := open(t, mountImage(t, 100<<20, "mkfs.ext4", "-q")+"/roots")
	img := image(t, labelled())
	notes, err := unpackNoting(t, s, "drop", img, nfsroot.UnpackOptions{})
	want := "left out of the files' labels: security.ima (1), security.selinux (2), trusted.overlay.opaque (1), user.note (1); --labels keep or refuse does otherwise"
	if err != nil || !slices.Equal(notes, []string{want}) {
		t.Errorf("drop: %v, notes %q", err, notes)
	}
	if got := xattr1(s.Path("drop/selinux"), "user.note"); got != "1" {
		t.Errorf("drop: user.note is %q", got)
	}
	_, err = s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "refuse", Labels: unpack.RefuseLabels})
	if err == nil || !strings.Contains(err.Error(), `entry "selinux": it has the label security.selinux, and --labels refuse refuses that`) {
		t.Errorf("refuse: %v", err)
	}
	// A root without labels is no donor for one with them, nor the other way round.
	if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "keep", Labels: unpack.KeepLabels, Link: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "again", Link: true}); err != nil {
		t.Fatal(err)
	}
	for file, name := range map[string]string{"selinux": "security.selinux", "redhat": "security.selinux", "overlay": "trusted.overlay.opaque", "ima": "security.ima"} {
		got := fmt.Sprintf("%t %t %t", xattr1(s.Path("drop/"+file), name) != "", xattr1(s.Path("keep/"+file), name) != "", xattr1(s.Path("again/"+file), name) != "")
		if got != "false true false" {
			t.Errorf("%s of %s is there: %s", name, file, got)
		}
	}
	for _, tag := range []string{"drop", "keep", "again"} {
		if found, err := s.Check(t.Context(), tag); err != nil || len(found) > 0 {
			t.Errorf("check of %s: %v, %v", tag, found, err)
		}
	}
}
