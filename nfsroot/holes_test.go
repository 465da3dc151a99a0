package nfsroot_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// A file of zeros, which packs to nothing, is taken if that is wanted, and is a hole on
// the disk; what is not zero in a file is where it was.
func TestHoles(t *testing.T) {
	const large = 300 << 20
	s := open(t, mountImage(t, 100<<20, "mkfs.ext4", "-q")+"/roots")
	data := bytes.Repeat([]byte("data"), 3000)
	mixed := strings.Repeat("\x00", 10_000) + string(data) + strings.Repeat("\x00", 100_001) + "end" + strings.Repeat("\x00", 5000)
	img, err := imageOf([][]entry{{file("zeros", strings.Repeat("\x00", large)), file("mixed", mixed), file("small", "x\x00")}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "r", MaxSize: large / 2})
	if err == nil || !strings.Contains(err.Error(), "--max-size, which allows more") {
		t.Errorf("too large: %v", err)
	}
	mustUnpack(t, s, "first", image(t, []entry{file("other", "x")}))
	if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: "r", MaxSize: 2 * large}); err != nil {
		t.Fatal(err)
	}
	// And where it comes from another root.
	next, err := imageOf([][]entry{{file("zeros", strings.Repeat("\x00", large)), file("mixed", mixed), file("small", "x\x00")}, {file("next", "x")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unpack(t.Context(), next, nfsroot.UnpackOptions{Tag: "next", MaxSize: 2 * large}); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"r", "next"} {
		var st unix.Stat_t
		if err := unix.Stat(s.Path(tag+"/zeros"), &st); err != nil || st.Size != large || st.Blocks > 64 {
			t.Errorf("%s: %d bytes in %d blocks, %v", tag, st.Size, st.Blocks, err)
		}
		if got, err := os.ReadFile(s.Path(tag + "/mixed")); err != nil || string(got) != mixed {
			t.Errorf("%s: mixed has %d bytes, %v", tag, len(got), err)
		}
		if found, err := s.Check(t.Context(), tag); err != nil || len(found) > 0 {
			t.Errorf("check of %s: %v, %v", tag, found, err)
		}
	}
}
