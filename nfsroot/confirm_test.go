package nfsroot_test

import (
	"archive/tar"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot"
)

const xattrRecord = "SCHILY.xattr."

// acl is a POSIX ACL as the kernel keeps it: its owner, a user, the group, the mask and
// the others.
func acl(owner, user, group, mask, others uint16) string {
	b := []byte{2, 0, 0, 0}
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, owner, math.MaxUint32}, {2, user, 1000}, {4, group, math.MaxUint32}, {16, mask, math.MaxUint32}, {32, others, math.MaxUint32}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return string(b)
}

// What an entry may have, each by itself and several together.
var (
	oddTimes = []time.Time{
		time.Unix(0, 0), time.Unix(1, 999_999_999), time.Unix(-1, 0), time.Unix(math.MaxInt32, 0), time.Unix(math.MaxInt32+1, 0),
		time.Date(1901, 12, 13, 20, 45, 52, 0, time.UTC), time.Date(1950, 1, 1, 0, 0, 0, 5, time.UTC), time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC),
		time.Date(2446, 5, 10, 22, 38, 55, 0, time.UTC), time.Date(2446, 5, 11, 0, 0, 0, 0, time.UTC), time.Date(2485, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	oddModes  = []int64{0, 0o1, 0o644, 0o777, 0o1755, 0o2755, 0o4755, 0o7777, 0o640, 0o604}
	oddOwners = []int{0, 1, 65534, 65535, 65536, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32 - 1}
	oddXattrs = []map[string]string{
		{"user.empty": ""}, {"user.small": "x"}, {"user.large": strings.Repeat("x", 3000)}, {"user.larger": strings.Repeat("x", 5000)}, {"user.largest": strings.Repeat("x", 65000)},
		{"user.a": strings.Repeat("a", 1500), "user.b": strings.Repeat("b", 1500), "user.c": strings.Repeat("c", 1500)}, {"user." + strings.Repeat("n", 250): "x"},
		{"security.capability": "\x01\x00\x00\x02\x00\x20" + strings.Repeat("\x00", 14)}, {"security.capability": ""}, {"security.capability": "\x01"},
		{"system.posix_acl_access": acl(6, 4, 4, 4, 4)}, {"system.posix_acl_access": acl(6, 7, 4, 7, 4)}, {"system.posix_acl_access": acl(7, 0, 0, 0, 0)},
		{"system.posix_acl_access": "\x02\x00\x00\x00"}, {"system.posix_acl_default": acl(7, 5, 5, 5, 0)},
	}
)

// oddEntries are those that may be more than a file system keeps, one an image.
func oddEntries() [][]entry {
	kinds := []func() entry{
		func() entry { return file("odd", "content") },
		func() entry { return dir("odd", 0o755) },
		func() entry { return symlink("odd", "anywhere") },
		func() entry { return entry{tar.Header{Typeflag: tar.TypeFifo, Name: "odd", Mode: 0o600}, ""} },
		func() entry {
			return entry{tar.Header{Typeflag: tar.TypeChar, Name: "odd", Mode: 0o600, Devmajor: 4095, Devminor: 1<<20 - 1}, ""}
		},
	}
	var list [][]entry
	add := func(change func(*tar.Header)) {
		for _, kind := range kinds {
			list = append(list, []entry{kind().with(change)})
		}
	}
	for _, at := range oddTimes {
		add(func(h *tar.Header) { h.ModTime = at })
	}
	for _, mode := range oddModes {
		add(func(h *tar.Header) { h.Mode = mode })
	}
	for _, id := range oddOwners {
		add(func(h *tar.Header) { h.Uid, h.Gid = id, id })
	}
	for _, xattrs := range oddXattrs {
		add(func(h *tar.Header) { h.PAXRecords = records(xattrs) })
	}
	list = append(list,
		[]entry{file(strings.Repeat(strings.Repeat("d", 100)+"/", 39)+strings.Repeat("n", 4095-39*101), "x")},
		[]entry{file(strings.Repeat("n", 255), "x")}, []entry{file(strings.Repeat("n", 256), "x")}, []entry{file("\xff\x01\n", "x")},
		[]entry{symlink("l", strings.Repeat("l", 4095))}, []entry{symlink("l", strings.Repeat("l", 1000))},
		[]entry{file("a", "x").with(func(h *tar.Header) { h.PAXRecords = records(oddXattrs[1]) }), hardlink("b", "a"), hardlink("c", "b")},
		[]entry{dir("d", 0o755).with(func(h *tar.Header) { h.PAXRecords = records(oddXattrs[14]) }), file("d/below", "x"), dir("d/dir", 0o700)},
		[]entry{file("empty", ""), file("zeros", strings.Repeat("\x00", 1<<20))},
	)
	// Several at once, by chance, always the same.
	random := rand.New(rand.NewPCG(38, 2))
	pick := func(n int) int { return random.IntN(n) }
	for range 100 {
		e := kinds[pick(len(kinds))]()
		e.ModTime, e.Mode, e.Uid, e.Gid = oddTimes[pick(len(oddTimes))], oddModes[pick(len(oddModes))], oddOwners[pick(len(oddOwners))], oddOwners[pick(len(oddOwners))]
		if pick(2) == 0 {
			e.PAXRecords = records(oddXattrs[pick(len(oddXattrs))])
		}
		list = append(list, []entry{e})
	}
	return list
}

func records(xattrs map[string]string) map[string]string {
	list := map[string]string{}
	for name, value := range xattrs {
		list[xattrRecord+name] = value
	}
	return list
}

// What was unpacked is as its image says, or it was refused before anything of it could
// be seen, on every file system: what a disk does not keep, a check could never confirm.
func TestUnpackedIsConfirmed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("owners and devices need root")
	}
	for _, mkfs := range [][]string{
		{"mkfs.ext4", "-q"}, {"mkfs.ext4", "-q", "-I", "128"}, {"mkfs.xfs", "-q"}, {"mkfs.xfs", "-q", "-m", "bigtime=0"}, {"mkfs.btrfs", "-q"},
	} {
		t.Run(strings.Join(mkfs, " "), func(t *testing.T) {
			if _, err := exec.LookPath(mkfs[0]); err != nil {
				t.Skip("needs " + mkfs[0])
			}
			s := open(t, mountImage(t, 400<<20, mkfs...)+"/roots")
			kept := 0
			for i, layer := range oddEntries() {
				tag := fmt.Sprintf("r%d", i)
				img, err := imageOf([][]entry{layer})
				if err != nil {
					continue // no tar has this
				}
				what := fmt.Sprintf("%q of type %c, mode %o, owner %d, time %s, %d records", layer[0].Name[:min(20, len(layer[0].Name))],
					layer[0].Typeflag, layer[0].Mode, layer[0].Uid, layer[0].ModTime, len(layer[0].PAXRecords))
				if _, err := s.Unpack(t.Context(), img, nfsroot.UnpackOptions{Tag: tag}); err != nil {
					if _, there := os.Lstat(s.Path(tag)); there == nil || strings.Contains(err.Error(), "MiB were free") {
						t.Errorf("%s: there: %v, %v", what, there == nil, err)
					}
					continue
				}
				kept++
				if found, err := s.Check(t.Context(), tag); err != nil || len(found) > 0 {
					t.Errorf("%s: check found %v, %v", what, found, err)
				}
			}
			if kept < 100 {
				t.Errorf("only %d images were taken", kept)
			}
			t.Logf("%d of %d images were taken", kept, len(oddEntries()))
		})
	}
}
