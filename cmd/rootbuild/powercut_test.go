package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// The part of hack/test-crash that takes a virtual machine.
var (
	powerRounds = flag.Int("powercut", 0, "rounds of commands on a machine whose power is cut; 0 for no such machine")
	powerDrops  = flag.Int("drops", 3, "subsets of the unflushed writes to drop, for each cut")
)

// fileSystemSize is how much of the disk is the file system; what is behind it
// holds the promises.
const (
	fileSystemSize = 96 << 20
	diskSize       = fileSystemSize + 4<<20
)

// TestPowerCut runs commands on a machine whose disk logs every write and flush,
// then makes the disk anew as a power cut at any moment would leave it, and
// wants all that was promised before.
func TestPowerCut(t *testing.T) {
	if *powerRounds == 0 {
		t.Skip("takes minutes: run hack/test-crash")
	}
	m := newPowerMachine(t)
	m.run(t, *powerRounds)
	writes := readDiskLog(t, m.log)
	promises := promisesOf(writes)
	if want := 5**powerRounds + 1; len(promises) != want {
		t.Fatalf("the machine made %d promises, want %d:\n%s", len(promises), want, m.console)
	}
	r := &replay{
		dir: t.TempDir(), promises: promises,
		random: rand.New(rand.NewPCG(1, 1)),
	}
	if err := unix.Mount("tmpfs", r.dir, "tmpfs", 0, "mode=755,size=1g"); err != nil {
		t.Fatal(err)
	}
	// Detached, for a loop device lets go of its file when it likes.
	t.Cleanup(func() {
		if err := unix.Unmount(r.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r.all(t, m.blank, writes)
	t.Logf("%d commands, %d writes, %d flushes", len(promises), len(writes)-r.flushes, r.flushes)
	t.Logf("%d power cuts, of which %d lost unflushed writes: all promises were kept", r.cuts, r.lossy)
}

func promisesOf(writes []diskWrite) []promise {
	var list []promise
	for _, w := range writes {
		if p, ok := promiseOf(w); ok {
			list = append(list, p)
		}
	}
	return list
}

// replay makes a disk out of its log.
type replay struct {
	dir      string
	promises []promise
	random   *rand.Rand

	made                 int // promises, at the moment of the log
	flushes, cuts, lossy int
}

// all cuts the power before each flush, after it and after each promise.
func (r *replay) all(t *testing.T, blank string, writes []diskWrite) {
	t.Helper()
	durable, err := os.ReadFile(blank)
	if err != nil {
		t.Fatal(err)
	}
	var loose []diskWrite // since the last flush
	for _, w := range writes {
		if w.flush {
			r.flushes++
			r.cutAll(t, durable, loose)
			apply(durable, loose)
			loose = nil
		}
		switch p, ok := promiseOf(w); {
		case ok:
			// No data of the store: it is only where in the log the command returned.
			r.made = p.number + 1
			r.cutAll(t, durable, loose)
		case len(w.data) > 0:
			loose = append(loose, w)
		}
		if t.Failed() {
			t.Fatalf("after %d cuts, %d promises and %d flushes", r.cuts, r.made, r.flushes)
		}
	}
}

// cutAll cuts the power with none of the loose writes on the disk, with all,
// and with some of them.
func (r *replay) cutAll(t *testing.T, durable []byte, loose []diskWrite) {
	t.Helper()
	forced := slices.DeleteFunc(slices.Clone(loose), func(w diskWrite) bool { return !w.forced })
	r.cut(t, durable, forced, len(loose)-len(forced))
	if len(loose) == 0 {
		return
	}
	r.cut(t, durable, loose, 0)
	for range *powerDrops {
		some := slices.DeleteFunc(slices.Clone(loose), func(w diskWrite) bool { return !w.forced && r.random.IntN(2) == 0 })
		r.cut(t, durable, some, len(loose)-len(some))
	}
}

func apply(disk []byte, writes []diskWrite) {
	for _, w := range writes {
		copy(disk[w.offset:], w.data)
	}
}

// cut checks the store of a disk that has the durable writes and some others.
func (r *replay) cut(t *testing.T, durable []byte, some []diskWrite, lost int) {
	t.Helper()
	r.cuts++
	if lost > 0 {
		r.lossy++
	}
	disk := bytes.Clone(durable[:fileSystemSize])
	apply(disk, some)
	// Never one name twice: mount would take the loop device of the cut before.
	image, at := filepath.Join(r.dir, fmt.Sprint("disk", r.cuts)), filepath.Join(r.dir, "mount")
	writeSparse(t, image, disk)
	defer os.Remove(image)
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "ext4", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Fatalf("mounting the disk after a cut: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}()
	r.checkStore(t, filepath.Join(at, "roots"))
	checkBlobs(t, filepath.Join(at, "state", "images", "blobs", "sha256"))
}

// writeSparse writes a file, and leaves out what is zero.
func writeSparse(t *testing.T, file string, data []byte) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const block = 64 << 10
	zero := make([]byte, block)
	for at := 0; at < len(data); at += block {
		if piece := data[at : at+block]; !bytes.Equal(piece, zero) {
			if _, err := f.WriteAt(piece, int64(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Truncate(int64(len(data))); err != nil {
		t.Fatal(err)
	}
}

// checkStore wants the last promise, or what the next one says, and every root
// whole.
func (r *replay) checkStore(t *testing.T, dir string) {
	t.Helper()
	var last promise
	if r.made > 0 {
		last = r.promises[r.made-1]
	}
	next := last
	if r.made < len(r.promises) {
		next = r.promises[r.made]
	}
	there, current := wholeRoots(t, dir)
	if current != last.current && current != next.current {
		t.Errorf("current names %q: it was promised to name %q, and %q was to come", current, last.current, next.current)
	}
	entry := wholeEntry(t, filepath.Join(filepath.Dir(dir), "tftp"), dir)
	if entry != last.entry && entry != next.entry {
		t.Errorf("the default entry is of %q: it was promised to be of %q, and %q was to come", entry, last.entry, next.entry)
	}
	for _, tag := range there {
		if !slices.Contains(last.roots, tag) && !slices.Contains(next.roots, tag) {
			t.Errorf("root %s was neither promised nor to come", tag)
		}
	}
	for _, tag := range last.roots {
		if slices.Contains(next.roots, tag) && !slices.Contains(there, tag) {
			t.Errorf("root %s was promised, and is gone", tag)
		}
	}
	if len(there) > 0 {
		r.checkJournal(t, dir, current)
	}
}

// checkJournal wants every switch that was promised.
func (r *replay) checkJournal(t *testing.T, dir, current string) {
	t.Helper()
	view, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	switches, err := view.Switches()
	if err != nil {
		t.Error(err)
	}
	var way []string
	for _, s := range switches {
		if !s.Void {
			way = append(way, s.To)
		}
	}
	var promised []string
	for i, p := range r.promises[:r.made] {
		if p.current != "" && (i == 0 || p.current != r.promises[i-1].current) {
			promised = append(promised, p.current)
		}
	}
	if len(way) < len(promised) || !slices.Equal(way[:len(promised)], promised) || len(way) > 0 && way[len(way)-1] != current {
		t.Errorf("the journal leads over %q to %q, and promised were %q", way, current, promised)
	}
}

// checkBlobs wants no blob under a name that is not its digest.
func checkBlobs(t *testing.T, dir string) {
	t.Helper()
	blobs, _ := os.ReadDir(dir) // absent before the first pull
	for _, b := range blobs {
		data, err := os.ReadFile(filepath.Join(dir, b.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != b.Name() && !strings.HasPrefix(b.Name(), ".") {
			t.Errorf("blob %s has the digest %s and %d bytes", b.Name(), got, len(data))
		}
	}
}
