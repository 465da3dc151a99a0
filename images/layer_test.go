package images_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/images"
)

// small is a target with a file of every kind, in no order.
var small = images.Target{
	Name:  "small",
	Epoch: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	Users: []images.User{
		{Name: "daemon", UID: 2, GID: 2, Home: "/", Shell: "/bin/false"},
		{Name: "root", Home: "/root", Shell: "/bin/bash", Comment: "root"},
		{Name: "none", UID: 3, GID: 2, Home: "/"},
	},
	Groups: []images.Group{{Name: "wheel", GID: 10, Members: []string{"root", "daemon"}}, {Name: "root"}},
	Files: []images.File{
		{Path: "/var/lib/state", Directory: true, Mode: 0o1777, UID: 2, GID: 2},
		{Path: "/etc/mtab", Symlink: "/proc/self/mounts", Mode: 0o777},
		{Path: "/usr/lib/console", Device: images.Device{Type: images.CharDevice, Major: 5, Minor: 1}, Mode: 0o600},
		{Path: "/usr/lib/loop", Device: images.Device{Type: images.BlockDevice, Major: 7}, Mode: 0o660, GID: 6},
		{Path: "/etc/shells", Content: []byte("/bin/bash\n"), Mode: 0o640},
		{Path: "/etc/empty", Mode: 0o4711},
	},
}

func TestLayer(t *testing.T) {
	got := map[string]string{}
	var paths []string
	for _, f := range small.Layer() {
		got[f.Path] = string(f.Content)
		paths = append(paths, f.Path)
	}
	order := "/etc/empty /etc/group /etc/mtab /etc/os-release /etc/passwd /etc/shadow /etc/shells " +
		"/usr/lib/console /usr/lib/loop /var/lib/state"
	if diff := cmp.Diff(order, strings.Join(paths, " ")); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:2:2::/:/bin/false\nnone:x:3:2::/:\n",
		"/etc/group":  "root:x:0:\nwheel:x:10:root,daemon\n",
		"/etc/shadow": "root:*:20758::::::\ndaemon:*:20758::::::\nnone:*:20758::::::\n",
		"/etc/shells": "/bin/bash\n", // the target's own, in place of the rendered one
		"/etc/os-release": "ID=rootbuild\nNAME=rootbuild\nVARIANT_ID=small\nVERSION_ID=2026.11.01\n" +
			"PRETTY_NAME=\"rootbuild small 2026.11.01\"\n",
	} {
		if diff := cmp.Diff(want, got[path]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestLayerShells(t *testing.T) {
	target := small
	target.Files = nil
	for _, f := range target.Layer() {
		if want := "/bin/bash\n/bin/sh\n"; f.Path == "/etc/shells" && string(f.Content) != want {
			t.Errorf("/etc/shells is %q, want %q", f.Content, want)
		}
	}
}

func TestWriteTar(t *testing.T) {
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := small.WriteTar(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two streams of one target differ")
	}
	want := []string{
		"etc/empty 0 04711 0:0 0",
		"etc/group 0 00644 0:0 33",
		"etc/mtab 2 00777 0:0 0 /proc/self/mounts",
		"etc/os-release 0 00644 0:0 108",
		"etc/passwd 0 00644 0:0 74",
		"etc/shadow 0 00600 0:0 59",
		"etc/shells 0 00640 0:0 10",
		"usr/lib/console 3 00600 0:0 0 5,1",
		"usr/lib/loop 4 00660 0:6 0 7,0",
		"var/lib/state/ 5 01777 2:2 0",
	}
	if diff := cmp.Diff(want, entries(t, &first)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// entries lists a tar stream, and holds every time to the epoch.
func entries(t *testing.T, r io.Reader) []string {
	t.Helper()
	var list []string
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(small.Epoch) {
			t.Errorf("%s is of %s", h.Name, h.ModTime)
		}
		line := fmt.Sprintf("%s %c %05o %d:%d %d %s", h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Size, h.Linkname)
		if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
			line += fmt.Sprintf("%d,%d", h.Devmajor, h.Devminor)
		}
		list = append(list, strings.TrimRight(line, " "))
	}
}

// full fails like a disk that has no more room.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteTarTellsWriteErrors(t *testing.T) {
	var whole bytes.Buffer
	if err := small.WriteTar(&whole); err != nil {
		t.Fatal(err)
	}
	for room := 0; room < whole.Len(); room += 512 {
		if err := small.WriteTar(&full{left: room}); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"bash", "busybox", "coreutils", "dash", "sed"}
	for _, c := range []struct{ name, want string }{
		{"bsh", `; did you mean "bash"?`},
		{"rash", `; did you mean "bash" or "dash"?`},
		{"coreutil", `; did you mean "coreutils"?`},
		{"x", ""},
		{"qqqqqqqq", ""},
	} {
		if got := images.DidYouMean(c.name, known); got != c.want {
			t.Errorf("DidYouMean(%q) is %q, want %q", c.name, got, c.want)
		}
	}
}
