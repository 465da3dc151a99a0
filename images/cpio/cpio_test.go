package cpio_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/images/cpio"
	"golang.org/x/sys/unix"
)

var epoch = time.Unix(1793491200, 0)

// sample has one file of each kind.
func sample() cpio.Tree {
	shared := &cpio.File{Mode: unix.S_IFREG | 0o4755, UID: 3, GID: 4, Content: []byte("program")}
	return cpio.Tree{
		"usr/bin/a":    shared,
		"usr/bin/b":    shared,
		"usr/bin/text": {Mode: unix.S_IFREG | 0o640, Content: []byte("12345")},
		"bin":          {Mode: unix.S_IFLNK | 0o777, Content: []byte("usr/bin")},
		"dev/console":  {Mode: unix.S_IFCHR | 0o600, Major: 5, Minor: 1},
		"run":          {Mode: unix.S_IFDIR | 0o700},
	}
}

// The archive is read by its description in the kernel's documentation,
// field by field, and not by a library that may share a mistake.
func TestWrite(t *testing.T) {
	const want = `bin 120777 0:0 links 1 device 0,0 "usr/bin"
dev 40755 0:0 links 2 device 0,0 ""
dev/console 20600 0:0 links 1 device 5,1 ""
run 40700 0:0 links 2 device 0,0 ""
usr 40755 0:0 links 2 device 0,0 ""
usr/bin 40755 0:0 links 2 device 0,0 ""
usr/bin/a 104755 3:4 links 2 device 0,0 ""
usr/bin/b 104755 3:4 links 2 device 0,0 "program"
usr/bin/text 100640 0:0 links 1 device 0,0 "12345"
`
	archive := write(t, sample())
	if got := list(t, archive); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(archive)%512 != 0 {
		t.Errorf("%d bytes are not whole blocks: no other archive could follow", len(archive))
	}
}

func TestWriteIsReproducible(t *testing.T) {
	first := write(t, sample())
	for range 20 {
		if !bytes.Equal(first, write(t, sample())) {
			t.Fatal("the same files gave other bytes")
		}
	}
}

func TestAddRefusesDirectoryAndFile(t *testing.T) {
	tree := sample()
	err := tree.Add("run", &cpio.File{Mode: unix.S_IFREG | 0o644})
	if err == nil || !strings.Contains(err.Error(), "run is a directory in one place and not in another") {
		t.Errorf("got %v", err)
	}
}

func TestCompress(t *testing.T) {
	for _, c := range []struct {
		name   string
		unpack []string
	}{
		{"x.cpio", []string{"cat"}},
		{"x.cpio.gz", []string{"gzip", "-dc"}},
		{"x.cpio.zst", []string{"zstd", "-dc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var packed bytes.Buffer
			w, err := cpio.Compress(&packed, c.name)
			if err != nil {
				t.Fatal(err)
			}
			if err := sample().Write(w, epoch); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(c.unpack[0], c.unpack[1:]...)
			cmd.Stdin = &packed
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v", cmd, err)
			}
			if !bytes.Equal(out, write(t, sample())) {
				t.Error("it unpacks to other bytes")
			}
		})
	}
	_, err := cpio.Compress(&bytes.Buffer{}, "initrd.img")
	if err == nil || err.Error() != "initrd.img: its name ends in none of .cpio, .cpio.gz, .cpio.zst" {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, tree cpio.Tree) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tree.Write(&b, epoch); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// list tells what an archive holds, and checks what every entry has in common.
func list(t *testing.T, archive []byte) string {
	t.Helper()
	var text strings.Builder
	inodes := map[int64]string{}
	for rest := archive; ; {
		var f [13]int64
		if string(rest[:6]) != "070701" {
			t.Fatalf("no magic at %d", len(archive)-len(rest))
		}
		for i := range f {
			if _, err := fmt.Sscanf(string(rest[6+8*i:14+8*i]), "%08x", &f[i]); err != nil {
				t.Fatal(err)
			}
		}
		inode, mode, uid, gid, links, mtime, size, nameSize := f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[11]
		name := string(rest[110 : 110+nameSize-1])
		start := (110 + nameSize + 3) &^ 3
		content := rest[start : start+size]
		rest = rest[(start+size+3)&^3:]
		if mtime != epoch.Unix() {
			t.Errorf("%s: time %d", name, mtime)
		}
		if name == "TRAILER!!!" {
			return text.String()
		}
		if other := inodes[inode]; other != "" && links < 2 {
			t.Errorf("%s and %s share inode %d", name, other, inode)
		}
		inodes[inode] = name
		fmt.Fprintf(&text, "%s %o %d:%d links %d device %d,%d %q\n", name, mode, uid, gid, links, f[9], f[10], content)
	}
}
