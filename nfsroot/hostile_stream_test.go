package nfsroot_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// Streams that are not what their image says, or not what they say themselves.
func TestHostileStreams(t *testing.T) {
	tarball := bytes.Join([][]byte{raw("a", '0', "text"), raw("b", '0', strings.Repeat("b", 5000)), end}, nil)
	packed := compressed(t, func(w io.Writer) error { return send(w, tarball) })
	edit := func(at int, b ...byte) []byte {
		return append(append(bytes.Clone(packed[:at]), b...), packed[at+len(b):]...)
	}
	frame := func(header ...byte) []byte { return append([]byte{0x28, 0xb5, 0x2f, 0xfd}, header...) }
	zipped := gzipped(t, tarball)
	as := func(b blob, media types.MediaType) blob { b.media = media; return b }
	tests := []struct {
		name string
		blob blob
		want string
	}{
		{"tar cut in a header", plain(tarball[:100]), "EOF"},
		{"tar cut in a file", plain(tarball[:2000]), "EOF"},
		{"zstd cut", zstdOf(tarball, packed[:len(packed)-20]), "EOF"},
		{"zstd cut in its first bytes", zstdOf(tarball, packed[:3]), "EOF"},
		{"zstd with a wrong checksum", zstdOf(tarball, edit(len(packed)-1, packed[len(packed)-1]^1)), "CRC"},
		{"zstd with a window of 2 GiB", zstdOf(tarball, frame(0, 21<<3, 1, 0, 0)), "window size"},
		{"zstd with a window of 64 MiB", zstdOf(tarball, frame(0, 16<<3, 1, 0, 0)), "window size"},
		{"zstd that says it holds a petabyte", zstdOf(tarball, frame(0xc0, 0x38, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0)), "reading layer"},
		{"zstd that asks for a dictionary", zstdOf(tarball, frame(1, 0x38, 7, 1, 0, 0)), "dictionary"},
		{"zstd with a reserved block", zstdOf(tarball, frame(0, 0x38, 7, 0, 0)), "reserved block"},
		{"zstd with text behind it", zstdOf(tarball, packed, []byte("text")), "magic"},
		{"zstd that is text", zstdOf(tarball, []byte("text that is not packed")), "magic"},
		{"zstd with a million empty frames", zstdOf(tarball, bytes.Repeat(frame(0x20, 0, 1, 0, 0), 1_000_000), packed), "larger packed than unpacked"},
		{"zstd of nothing", zstdOf(tarball), "diffID"},
		{"gzip that says it is zstd", zstdOf(tarball, zipped), "magic"},
		{"zstd that says it is gzip", as(zstdOf(tarball, packed), types.OCILayer), "invalid header"},
		{"zstd that says it is not packed", as(zstdOf(tarball, packed), types.OCIUncompressedLayer), "diffID"},
		{"gzip cut", blob{data: zipped[:len(zipped)-9], media: types.OCILayer, diffID: hashOf(tarball)}, "EOF"},
		{"gzip with text behind it", blob{data: append(bytes.Clone(zipped), "text"...), media: types.OCILayer, diffID: hashOf(tarball)}, "EOF"},
		{"a tar behind the tar of the diffID", zstdOf(tarball, packed, packed), "diffID"},
		{"another diffID", blob{data: tarball, media: types.OCIUncompressedLayer, diffID: hashOf(nil)}, "diffID"},
		{"a size that is too large", blob{data: tarball, media: types.OCIUncompressedLayer, diffID: hashOf(tarball), size: 1 << 20}, "its size is not"},
		{"a layer that is elsewhere", as(plain(tarball), types.DockerForeignLayer), "no layer known here"},
		{"a layer that may not be passed on", as(plain(tarball), types.OCIRestrictedLayer), "no layer known here"},
		{"a layer that is an index", as(plain(tarball), types.OCIImageIndex), "no layer known here"},
		{"a layer that is encrypted", as(plain(tarball), types.OCILayer+"+encrypted"), "no layer known here"},
	}
	outer, s := surroundings(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// Above a layer that is as it should be.
			wantRefused(t, s, outer, imageOfBlobs(t, plain(raw("c", '0', ""), end), test.blob), unpack.Refusal{}, test.want)
		})
	}
	t.Run("a hard link to what its own layer hid", func(t *testing.T) {
		upper := plain(raw(".wh.a", '0', ""), block("l", '1', 0, func(h []byte) { copy(h[157:], "a") }), end)
		wantRefused(t, s, outer, imageOfBlobs(t, plain(tarball), upper), unpack.Refusal{}, "not a file")
	})
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Few bytes that stand for many end at the limits, long before the disk is full.
func TestHostileBombs(t *testing.T) {
	const tenGB = 10 << 30 >> 17 // in blocks of 128 KiB
	sized := func(size int64) []byte {
		return block("x", '0', 0, func(h []byte) {
			copy(h[124:], "\x80\x00\x00\x00")
			binary.BigEndian.PutUint64(h[128:], uint64(size))
		})
	}
	files := func(n, blocks int) []byte {
		var all []byte
		for i := range n {
			head := sized(int64(blocks) << 17)
			copy(head, block(fmt.Sprintf("x%d", i), '0', 0, func(h []byte) { copy(h[124:], head[124:136]) }))
			all = append(all, zeros(head, blocks)...)
		}
		return all
	}
	// Whiteouts of nothing cost no disk, and so the test no time.
	names := compressed(t, func(w io.Writer) error {
		return repeat(1_000_000, func(i int) error { return send(w, block(fmt.Sprintf(".wh.%d", i), '0', 0, nil)) })
	})
	texts := compressed(t, func(w io.Writer) error {
		comment := "comment=" + strings.Repeat("x", 1<<20-100)
		return repeat(100, func(i int) error { return send(w, paxed('5', fmt.Sprintf("path=d%d", i), comment)) })
	})
	tests := []struct {
		name string
		blob blob
		want string
	}{
		{"10 GB of zeros", zstdOf(nil, zeros(sized(10<<30), tenGB)), "unpacks to more than"},
		{"10 GB of zeros in 640 files", zstdOf(nil, files(640, 128)), "unpacks to more than"},
		{"10 GB of zeros behind the tar", zstdOf(nil, zeros(end, tenGB)), "unpacks to more than"},
		{"10 GB of zeros that no entry takes", zstdOf(nil, zeros(block("d", '5', 0, nil), tenGB)), "unpacks to more than"},
		{"a million entries", zstdOf(nil, names), "more than 250000 entries"},
		{"100 MB of attributes", zstdOf(nil, texts), "25 MB of names and attributes"},
	}
	outer, s := surroundings(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			wantRefused(t, s, outer, imageOfBlobs(t, test.blob), unpack.Refusal{}, test.want)
			t.Logf("%d bytes, refused after %v", len(test.blob.data), time.Since(start).Round(time.Millisecond))
		})
	}
}

// Configs that contradict their manifest, or that no root could follow.
func TestHostileConfigs(t *testing.T) {
	layer := plain(raw("a", '0', "text"), end)
	change := func(f func(c *v1.ConfigFile)) func(v1.Image) (v1.Image, error) {
		return func(img v1.Image) (v1.Image, error) {
			c, err := img.ConfigFile()
			if err != nil {
				return nil, err
			}
			c = c.DeepCopy()
			f(c)
			return mutate.ConfigFile(img, c)
		}
	}
	tests := []struct {
		name   string
		change func(v1.Image) (v1.Image, error)
		want   string
	}{
		{"a diffID less", change(func(c *v1.ConfigFile) { c.RootFS.DiffIDs = c.RootFS.DiffIDs[:1] }), "the manifest has 2 layers, the config 1"},
		{"a diffID more", change(func(c *v1.ConfigFile) { c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, hashOf(nil)) }), "the manifest has 2 layers, the config 3"},
		{"no diffIDs", change(func(c *v1.ConfigFile) { c.RootFS = v1.RootFS{} }), "the manifest has 2 layers, the config 0"},
		{"the diffID of another", change(func(c *v1.ConfigFile) { c.RootFS.DiffIDs[1] = hashOf(nil) }), "diffID"},
		{"a diffID of another kind", change(func(c *v1.ConfigFile) {
			c.RootFS.DiffIDs[1] = v1.Hash{Algorithm: "sha512", Hex: strings.Repeat("0", 128)}
		}), "sha512"},
		{"made in the year 9999", change(func(c *v1.ConfigFile) { c.Created = v1.Time{Time: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} }), "time"},
	}
	outer, s := surroundings(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			img, err := test.change(imageOfBlobs(t, layer, plain(raw("b", '0', ""), end)))
			if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, s, outer, img, unpack.Refusal{}, test.want)
		})
	}
}
