package nfsroot_test

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Headers that no tar program writes, or that ask for what an image may not set.
func TestHostileHeaders(t *testing.T) {
	at := func(offset int, text string) func([]byte) { return func(h []byte) { copy(h[offset:], text) } }
	xattr := func(key, value string) []byte { return paxed(tar.TypeReg, "SCHILY.xattr."+key+"="+value) }
	tests := []struct {
		name  string
		layer []byte
		want  string
	}{
		{"a checksum that is wrong", append([]byte("y"), raw("x", '0', "")[1:]...), "invalid tar header"},
		{"noise", []byte(strings.Repeat("noise ", 512)), "invalid tar header"},
		{"a negative size", block("x", '0', 0, at(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), "invalid tar header"},
		{"a negative owner", block("x", '0', 0, at(108, "\xff\xff\xff\xff\xff\xff\xff\xff")), "out of range"},
		{"an owner of 2^40", block("x", '0', 0, at(108, "\x80\x00\x01\x00\x00\x00\x00\x00")), "out of range"},
		{"a device number that mknod would cut off", block("x", '3', 0, at(329, "0010000\x00")), "device number 4096,0"},
		{"a negative device number", block("x", '3', 0, at(337, "\xff\xff\xff\xff\xff\xff\xff\xff")), "device number"},
		{"a file for ever contiguous", raw("x", '7', "text"), "type '7'"},
		{"a file of several volumes", raw("x", 'M', "text"), "type 'M'"},
		{"a directory's listing", raw("x", 'D', "Yx\x00\x00"), "type 'D'"},
		{"a GNU name that leads out", append(raw("././@LongLink", 'L', "../../victim\x00"), block("x", '0', 0, nil)...), `".."`},
		{"a GNU link that leads out", append(raw("././@LongLink", 'K', "../../victim\x00"), block("x", '1', 0, nil)...), `".."`},
		{"a ustar prefix that leads out", block("victim", '0', 0, at(345, "../..")), `".."`},

		{"PAX path that leads out", paxed(tar.TypeReg, "path=../../victim"), `".."`},
		{"PAX path with a NUL", paxed(tar.TypeReg, "path=x\x00y"), "invalid tar header"},
		{"PAX link that leads out", paxed(tar.TypeLink, "linkpath=../../victim"), `".."`},
		{"PAX name of a sparse file that leads out", paxed(tar.TypeReg, "GNU.sparse.major=0", "GNU.sparse.minor=1",
			"GNU.sparse.name=../../victim", "GNU.sparse.size=0", "GNU.sparse.numblocks=0", "GNU.sparse.map="), `".."`},
		{"PAX size that is negative", paxed(tar.TypeReg, "size=-1"), "invalid tar header"},
		{"PAX size that is no number", paxed(tar.TypeReg, "size=1e9"), "invalid tar header"},
		{"PAX size past the end", paxed(tar.TypeReg, "size=4096"), "unexpected EOF"},
		{"PAX size of an exabyte", paxed(tar.TypeReg, "size=1152921504606846976"), "unpacks to more than"},
		{"PAX time of the end of days", paxed(tar.TypeReg, "mtime=9223372036854775807"), "time"},
		{"PAX time before all days", paxed(tar.TypeReg, "mtime=-9223372036854775807.5"), "time"},
		{"PAX time that is none", paxed(tar.TypeReg, "mtime=soon"), "invalid tar header"},
		{"PAX owner that is negative", paxed(tar.TypeReg, "uid=-2"), "out of range"},
		{"PAX record that is longer than its header", append(raw("p", 'x', "999 path=x\n"), block("x", '0', 0, nil)...), "invalid tar header"},
		{"PAX header with the end after it", raw("p", 'x', "10 path=x\n")[:700], "EOF"},
		{"PAX header of two megabytes", raw("p", 'x', strings.Repeat("x", 2<<20)), "too long"},

		{"attribute with a NUL in its name", xattr("user.a\x00b", "1"), "invalid tar header"},
		{"attribute with no name", xattr("", "1"), "none that an image may set"},
		{"attribute that is not UTF-8", xattr("user.\xff", "1"), "none that an image may set"},
		{"an access list that is none", xattr("system.posix_acl_access", "everybody"), "setting extended attribute"},
		{"capabilities that are none", xattr("security.capability", "all\x00"), "setting extended attribute"},
		{"an attribute of 70,000 bytes", xattr("user.x", strings.Repeat("x", 70_000)), "setting extended attribute"},

		{"a sparse file of GNU's old form", block("x", 'S', 0, func(h []byte) {
			copy(h[257:], "ustar  \x00")
			copy(h[386:], "00000000000\x0000000000000\x00")
			copy(h[483:], "00000000010\x00")
		}), "type 'S'"},
		{"a sparse bomb of GNU's old form", block("x", 'S', 0, func(h []byte) {
			copy(h[257:], "ustar  \x00")
			copy(h[386:], "77777777777\x0000000000000\x00")
			copy(h[483:], "77777777777\x00")
		}), "unpacks to more than"},
		{"a sparse bomb of PAX 0.1", paxed(tar.TypeReg, "GNU.sparse.major=0", "GNU.sparse.minor=1",
			"GNU.sparse.size=1099511627776", "GNU.sparse.numblocks=1", "GNU.sparse.map=1099511627776,0"), "unpacks to more than"},
		{"a sparse bomb of PAX 1.0", sparse("1099511627776", "1\n1099511627776\n0\n"), "unpacks to more than"},
		{"a sparse file whose parts overlap", sparse("100", "2\n0\n10\n5\n10\n"), "invalid tar header"},
		{"a sparse file with a million parts", sparse("100", "1000000\n"), "EOF"},
		{"a sparse file with a map of megabytes", sparse("100", "1000000\n"+strings.Repeat("0\n", 1<<20)), "too long"},
	}
	outer, s := surroundings(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantRefused(t, s, outer, imageOfBlobs(t, plain(test.layer, end)), unpack.Refusal{}, test.want)
		})
	}
}

// sparse is a file by PAX 1.0: the map of its parts is before its content.
func sparse(size, parts string) []byte {
	e := paxed(tar.TypeReg, "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=x", "GNU.sparse.realsize="+size)
	data := padded([]byte(parts))
	return append(append(e[:len(e)-512], block("x", '0', int64(len(data)), nil)...), data...)
}

// What may harm the master itself is taken only where its owner agrees.
func TestHostilePrivileges(t *testing.T) {
	device := func(typ byte, major, minor int64) entry {
		return entry{tar.Header{Typeflag: typ, Name: "x", Mode: 0o666, Devmajor: major, Devminor: minor}, ""}
	}
	mode := func(m int64) entry { return file("x", "").with(func(h *tar.Header) { h.Mode = m }) }
	capable := file("x", "").with(func(h *tar.Header) {
		h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02" + strings.Repeat("\x00", 16)}
	})
	tests := []struct {
		name  string
		entry entry
		want  string
	}{
		{"the first disk", device(tar.TypeBlock, 8, 0), "--no-devices"},
		{"the memory", device(tar.TypeChar, 1, 1), "--no-devices"},
		{"a whiteout of overlayfs", device(tar.TypeChar, 0, 0), "--no-devices"},
		{"setuid", mode(0o4755), "--no-setuid"},
		{"setgid", mode(0o2755), "--no-setuid"},
		{"setuid fifo", mode(0o4666).with(func(h *tar.Header) { h.Typeflag = tar.TypeFifo }), "--no-setuid"},
		{"capabilities", capable, "--no-setuid"},
	}
	outer, s := surroundings(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			img := image(t, []entry{file("before", "1"), test.entry})
			wantRefused(t, s, outer, img, unpack.Refusal{Devices: true, Setuid: true}, test.want)
		})
	}
	mustUnpack(t, s, "agreed", image(t, []entry{tests[0].entry, dir("sticky", 0o3777), capable}))
	if _, err := s.Unpack(t.Context(), image(t, []entry{dir("d", 0o3777), symlink("s", "d"), file("f", "")}),
		nfsroot.UnpackOptions{Tag: "harmless", Refuse: unpack.Refusal{Devices: true, Setuid: true}}); err != nil {
		t.Error(err)
	}
}
