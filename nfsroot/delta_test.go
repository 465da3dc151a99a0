package nfsroot_test

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// withoutLayers is an image of which some layers cannot be read.
type withoutLayers struct {
	v1.Image
	gone map[int]bool
}

func (i withoutLayers) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	for n := range layers {
		if i.gone[n] {
			layers[n] = goneLayer{layers[n]}
		}
	}
	return layers, err
}

func (i withoutLayers) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	layers, err := i.Layers()
	for _, l := range layers {
		if d, _ := l.Digest(); d == h {
			return l, nil
		}
	}
	return nil, errors.Join(err, errors.New("no such layer"))
}

type goneLayer struct{ v1.Layer }

var errGone = errors.New("the layer was read")

func (goneLayer) Compressed() (io.ReadCloser, error)   { return nil, errGone }
func (goneLayer) Uncompressed() (io.ReadCloser, error) { return nil, errGone }

// sharedLayers are in the images of two roots, with all that a layer can do.
var sharedLayers = [][]entry{
	{
		dir("usr", 0o750), dir("usr/bin", 0o755), symlink("bin", "usr/bin"), file("bin/tool", strings.Repeat("tool", 20_000)),
		file("empty", ""), file("twin", "the same"), file("other", "the same"), file("secret", "s").with(func(h *tar.Header) { h.Uid, h.Mode = 7, 0o4711 }),
		{tar.Header{Typeflag: tar.TypeFifo, Name: "fifo", Mode: 0o600}, ""},
	},
	{hardlink("usr/bin/same", "bin/tool"), file(".wh.empty", ""), file("usr/bin/new", "new"), file("bad\xff\n", "named badly")},
}

// unpackNoting returns the root and the notes of an unpacking.
func unpackNoting(t *testing.T, s *nfsroot.Store, tag string, img v1.Image, o nfsroot.UnpackOptions) (notes []string, err error) {
	t.Helper()
	o.Tag, o.Note = tag, func(text string) { notes = append(notes, text) }
	_, err = s.Unpack(t.Context(), img, o)
	return notes, err
}

// checkSame wants a root to be what the image unpacks to where no other root is.
func checkSame(t *testing.T, s *nfsroot.Store, tag string, img v1.Image) {
	t.Helper()
	alone := open(t, t.TempDir())
	mustUnpack(t, alone, tag, img)
	equal(t, "tree of "+tag, treeOf(t, s.Path(tag)), treeOf(t, alone.Path(tag)))
	equal(t, "times of "+tag, timesOf(t, s.Path(tag)), timesOf(t, alone.Path(tag)))
	if found, err := s.Check(t.Context(), tag); err != nil || len(found) > 0 {
		t.Errorf("checking %s: %v, %v", tag, found, err)
	}
}

func TestDelta(t *testing.T) {
	for _, link := range []bool{false, true} {
		s := open(t, t.TempDir())
		mustUnpack(t, s, "one", image(t, append(sharedLayers[:2:2], []entry{file("one", "1")})...))
		before := treeOf(t, s.Path("one"))
		two := image(t, append(sharedLayers[:2:2], []entry{file("two", "2"), file(".wh.secret", "")})...)
		notes, err := unpackNoting(t, s, "two", withoutLayers{two, map[int]bool{0: true, 1: true}}, nfsroot.UnpackOptions{Link: link})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "notes", notes, []string{"2 of 3 layers were taken from other roots"})
		checkSame(t, s, "two", two)
		equal(t, "the root that gave them", treeOf(t, s.Path("one")), before)
		if got := inodeOf(t, s.Path("one/usr/bin/tool")) == inodeOf(t, s.Path("two/usr/bin/tool")); got != link {
			t.Errorf("with hard links %t: the roots share a file: %t", link, got)
		}
		// What was taken can be given on.
		three := image(t, append(sharedLayers[:2:2], []entry{file("three", "3")})...)
		if err := os.RemoveAll(s.Path("one")); err != nil {
			t.Fatal(err)
		}
		if _, err := unpackNoting(t, s, "three", withoutLayers{three, map[int]bool{0: true, 1: true}}, nfsroot.UnpackOptions{Link: link}); !errors.Is(err, errGone) {
			t.Errorf("from a root that lacks what it removed: %v", err)
		}
		if _, err := unpackNoting(t, s, "three", withoutLayers{three, map[int]bool{1: true}}, nfsroot.UnpackOptions{Link: link}); err != nil {
			t.Error(err)
		}
		checkSame(t, s, "three", three)
	}
}

// Where another root is no longer what it was, the layer itself is unpacked.
func TestDeltaFromDamagedRoot(t *testing.T) {
	tests := map[string]func(s *nfsroot.Store) error{
		"other bytes of one size": func(s *nfsroot.Store) error {
			return os.WriteFile(s.Path("one/usr/bin/tool"), []byte(strings.Repeat("TOOL", 20_000)), 0o644)
		},
		"other bytes, and the time put back": func(s *nfsroot.Store) error {
			path := s.Path("one/usr/bin/tool")
			info, err := os.Stat(path)
			return errors.Join(err, os.WriteFile(path, []byte(strings.Repeat("TOOL", 20_000)), 0o644), os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
		"another size": func(s *nfsroot.Store) error { return os.Truncate(s.Path("one/usr/bin/tool"), 3) },
		"gone":         func(s *nfsroot.Store) error { return os.Remove(s.Path("one/usr/bin/new")) },
		"a link that leads out": func(s *nfsroot.Store) error {
			return errors.Join(os.Remove(s.Path("one/usr/bin/new")), os.Symlink("/etc/passwd", s.Path("one/usr/bin/new")))
		},
		"a directory": func(s *nfsroot.Store) error {
			return errors.Join(os.Remove(s.Path("one/usr/bin/new")), os.Mkdir(s.Path("one/usr/bin/new"), 0o755))
		},
		"no listings":      func(s *nfsroot.Store) error { return os.Remove(s.Dir() + "/.rootbuild/roots/one.listings") },
		"damaged listings": func(s *nfsroot.Store) error { return os.Truncate(s.Dir()+"/.rootbuild/roots/one.listings", 10) },
		"no inventory":     func(s *nfsroot.Store) error { return os.Remove(s.Dir() + "/.rootbuild/roots/one.inventory.zst") },
	}
	for name, damage := range tests {
		for _, link := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := open(t, t.TempDir())
				mustUnpack(t, s, "one", image(t, sharedLayers...))
				if err := damage(s); err != nil {
					t.Fatal(err)
				}
				two := image(t, append(sharedLayers[:2:2], []entry{file("two", "2")})...)
				notes, err := unpackNoting(t, s, "two", two, nfsroot.UnpackOptions{Link: link})
				if err != nil {
					t.Fatal(err)
				}
				said := strings.Join(notes, "\n")
				if !strings.Contains(said, "is unpacked anew: root one: ") && !strings.Contains(said, "no layer is taken from root one: ") {
					t.Errorf("notes: %q", notes)
				}
				checkSame(t, s, "two", two)
			})
		}
	}
}

// A file that is as it was unpacked is linked unread, and one that was touched is
// read before it is linked: the file system tells by its access time.
func TestDeltaLinksUnread(t *testing.T) {
	dir := mountImage(t, 64<<20, "mkfs.ext4", "-q")
	if out, err := exec.Command("mount", "-o", "remount,strictatime", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := open(t, dir)
	mustUnpack(t, s, "one", image(t, sharedLayers...))
	tool, untouched := s.Path("one/usr/bin/tool"), s.Path("one/usr/bin/new")
	if err := errors.Join(os.Chmod(tool, 0o600), os.Chmod(tool, 0o644)); err != nil {
		t.Fatal(err)
	}
	before := [2]unix.Timespec{accessed(t, tool), accessed(t, untouched)}
	two := image(t, append(sharedLayers[:2:2], []entry{file("two", "2")})...)
	if _, err := unpackNoting(t, s, "two", withoutLayers{two, map[int]bool{0: true, 1: true}}, nfsroot.UnpackOptions{Link: true}); err != nil {
		t.Fatal(err)
	}
	if accessed(t, tool) == before[0] {
		t.Error("a file that was touched was linked unread")
	}
	if accessed(t, untouched) != before[1] {
		t.Error("a file that is as it was unpacked was read")
	}
	for _, name := range []string{"usr/bin/tool", "usr/bin/new"} {
		if inodeOf(t, s.Path("one/"+name)) != inodeOf(t, s.Path("two/"+name)) {
			t.Errorf("%s was not linked", name)
		}
	}
	checkSame(t, s, "two", two)
}

// A collection that deletes a root takes names from files that another root shares.
// They are linked unread all the same, but not if one was touched before or after.
func TestDeltaLinksUnreadAfterCollection(t *testing.T) {
	dir := mountImage(t, 64<<20, "mkfs.ext4", "-q")
	if out, err := exec.Command("mount", "-o", "remount,strictatime", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := open(t, dir)
	shared := []entry{file("early", "1"), file("late", "2"), file("tool", "3")}
	old := image(t, shared, []entry{file("old", "0")})
	for _, tag := range []string{"one", "two", "three"} {
		if _, err := unpackNoting(t, s, tag, image(t, shared, []entry{file(tag, tag)}), nfsroot.UnpackOptions{Link: true}); err != nil {
			t.Fatal(err)
		}
	}
	touch := func(name string) {
		t.Helper()
		path := s.Path("three/" + name)
		if err := errors.Join(os.Chmod(path, 0o600), os.Chmod(path, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	touch("early")
	if err := s.Switch(t.Context(), "three"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the trash, then for good
		if _, err := s.Collect(t.Context(), nfsroot.Policy{Now: time.Now().Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(s.Path("one")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("root one: %v", err)
	}
	time.Sleep(10 * time.Millisecond) // the clock of a file system ticks that slowly
	touch("late")
	before := map[string]unix.Timespec{}
	for _, name := range []string{"early", "late", "tool"} {
		before[name] = accessed(t, s.Path("three/"+name))
	}
	if _, err := unpackNoting(t, s, "old", old, nfsroot.UnpackOptions{Link: true}); err != nil {
		t.Fatal(err)
	}
	for name, at := range before {
		if inodeOf(t, s.Path("three/"+name)) != inodeOf(t, s.Path("old/"+name)) {
			t.Errorf("%s was not linked", name)
		}
		if read := accessed(t, s.Path("three/"+name)) != at; read != (name != "tool") {
			t.Errorf("%s: read before it was linked: %t", name, read)
		}
	}
	checkSame(t, s, "old", old)
}

// A file that a layer above replaced is not taken for the one below, though the
// file system gave the new one the inode of the old.
func TestDeltaFromReplaced(t *testing.T) {
	lower, upper := []entry{file("a", "lower"), file("b", "lower")}, []entry{file("a", "upper"), hardlink("c", "b")}
	for _, link := range []bool{false, true} {
		s := open(t, t.TempDir())
		mustUnpack(t, s, "one", image(t, lower, upper))
		two := image(t, lower, []entry{file("two", "2")})
		notes, err := unpackNoting(t, s, "two", two, nfsroot.UnpackOptions{Link: link})
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(notes, "\n"); !strings.Contains(said, `it has "a" no more: a layer above took its place`) {
			t.Errorf("notes: %q", notes)
		}
		checkSame(t, s, "two", two)
		three := image(t, lower, upper, []entry{file("three", "3")})
		if _, err := unpackNoting(t, s, "three", withoutLayers{three, map[int]bool{1: true}}, nfsroot.UnpackOptions{Link: link}); err != nil {
			t.Fatal(err)
		}
		checkSame(t, s, "three", three)
	}
}

// Files that are other inodes than were unpacked are read, and linked as they are
// wanted: those of a store that was copied, and of one in which somebody made equal
// files one.
func TestDeltaLinksOtherInodes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir+"/store")
	mustUnpack(t, s, "one", image(t, sharedLayers...))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", dir+"/store", dir+"/copy").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s = open(t, dir+"/copy")
	twin, other := s.Path("one/twin"), s.Path("one/other")
	if err := errors.Join(os.Remove(other), os.Link(twin, other)); err != nil {
		t.Fatal(err)
	}
	two := image(t, append(sharedLayers[:2:2], []entry{file("two", "2")})...)
	if _, err := unpackNoting(t, s, "two", withoutLayers{two, map[int]bool{0: true, 1: true}}, nfsroot.UnpackOptions{Link: true}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"usr/bin/tool", "usr/bin/new", "twin"} {
		if inodeOf(t, s.Path("one/"+name)) != inodeOf(t, s.Path("two/"+name)) {
			t.Errorf("%s was not linked", name)
		}
	}
	checkSame(t, s, "two", two)
}

func accessed(t *testing.T, path string) unix.Timespec {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Atim
}

// A layer whose digest another root has, and whose uncompressed digest it says
// is another, is checked as any.
func TestDeltaChecksDiffID(t *testing.T) {
	s := open(t, t.TempDir())
	mustUnpack(t, s, "one", image(t, sharedLayers...))
	img := image(t, append(sharedLayers[:2:2], []entry{file("x", "x")})...)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs[0] = config.RootFS.DiffIDs[1]
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	if _, err := unpackNoting(t, s, "two", img, nfsroot.UnpackOptions{}); err == nil {
		t.Error("a layer with a wrong diff ID was taken")
	}
}

// On XFS files are taken by reflink: no bytes are written.
func TestDeltaReflink(t *testing.T) {
	if _, err := exec.LookPath("mkfs.xfs"); err != nil {
		t.Skip("needs mkfs.xfs, of Debian's package xfsprogs")
	}
	dir := mountImage(t, 320<<20, "mkfs.xfs", "-q")
	s := open(t, dir)
	large := [][]entry{{file("large", strings.Repeat("etaoin shrdlu\n", 3<<20))}}
	mustUnpack(t, s, "one", image(t, large...))
	before := freeBlocks(t, dir)
	two := image(t, append(large, []entry{file("two", "2")})...)
	if _, err := unpackNoting(t, s, "two", withoutLayers{two, map[int]bool{0: true}}, nfsroot.UnpackOptions{}); err != nil {
		t.Fatal(err)
	}
	if took := before - freeBlocks(t, dir); took > 4<<20 {
		t.Errorf("a root with a shared file of 42 MiB took %d bytes", took)
	}
	// A write to one file does not reach the other.
	if err := os.WriteFile(s.Path("two/large"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Check(t.Context(), "one"); err != nil || len(found) > 0 {
		t.Errorf("checking one: %v, %v", found, err)
	}
}

// mountImage mounts a file system on a loop device.
func mountImage(t testing.TB, size int64, mkfs ...string) string {
	t.Helper()
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs[0], append(mkfs[1:], image)...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", mkfs, err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		t.Skipf("mounting an image: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return dir
}

func freeBlocks(t testing.TB, dir string) int64 {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return int64(st.Bfree) * st.Bsize
}

func inodeOf(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}
