package nfsroot_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// blob is a layer of bytes that nobody packed: what it says of itself need
// not be true.
type blob struct {
	data   []byte
	media  types.MediaType
	size   int64   // 0: that of data
	diffID v1.Hash // zero: that of what data decodes to, or of data
}

func (b blob) Digest() (v1.Hash, error)             { return hashOf(b.data), nil }
func (b blob) MediaType() (types.MediaType, error)  { return b.media, nil }
func (b blob) Compressed() (io.ReadCloser, error)   { return io.NopCloser(bytes.NewReader(b.data)), nil }
func (b blob) Uncompressed() (io.ReadCloser, error) { return nil, errors.New("not decoded here") }
func (b blob) DiffID() (v1.Hash, error)             { return b.diffID, nil }
func (b blob) Size() (int64, error)                 { return max(b.size, int64(len(b.data))), nil }
func (b blob) Descriptor() (*v1.Descriptor, error) {
	size, err := b.Size()
	return &v1.Descriptor{MediaType: b.media, Size: size, Digest: hashOf(b.data), URLs: []string{"http://127.0.0.1:1/layer"}}, err
}

func hashOf(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// plain is an uncompressed layer.
func plain(data ...[]byte) blob {
	all := bytes.Join(data, nil)
	return blob{data: all, media: types.OCIUncompressedLayer, diffID: hashOf(all)}
}

// zstdOf is a layer of these frames; content is what they hold.
func zstdOf(content []byte, frames ...[]byte) blob {
	return blob{data: bytes.Join(frames, nil), media: types.OCILayerZStd, diffID: hashOf(content)}
}

func imageOfBlobs(t testing.TB, blobs ...blob) v1.Image {
	t.Helper()
	var layers []v1.Layer
	for _, b := range blobs {
		layers = append(layers, b)
	}
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// block is the header of an entry as ustar has it, changed and then summed.
func block(name string, typ byte, size int64, change func(h []byte)) []byte {
	h := make([]byte, 512)
	copy(h, name)
	for at, text := range map[int]string{100: "0000644\x00", 108: "0000000\x00", 116: "0000000\x00", 136: "00000000000\x00", 257: "ustar\x0000"} {
		copy(h[at:], text)
	}
	copy(h[124:], fmt.Sprintf("%011o\x00", size))
	h[156] = typ
	if change != nil {
		change(h)
	}
	copy(h[148:], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// padded fills up to whole blocks.
func padded(data []byte) []byte {
	return append(bytes.Clone(data), make([]byte, -len(data)&511)...)
}

// raw is an entry of these bytes.
func raw(name string, typ byte, body string) []byte {
	return append(block(name, typ, int64(len(body)), nil), padded([]byte(body))...)
}

// paxed is an empty file, or what typ says, with PAX records before it, each
// "key=value".
func paxed(typ byte, records ...string) []byte {
	var text string
	for _, r := range records {
		n := len(r) + 3
		for len(fmt.Sprint(n)+" "+r+"\n") != n {
			n++
		}
		text += fmt.Sprint(n) + " " + r + "\n"
	}
	return append(raw("PaxHeaders/x", 'x', text), block("x", typ, 0, nil)...)
}

// end is how a tar ends.
var end = make([]byte, 1024)

// compressed is a zstd frame of what write sends.
func compressed(t testing.TB, write func(w io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func send(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

func repeat(n int, do func(i int) error) error {
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// zeros is a zstd frame of a beginning and n times 128 KiB of zeros, four bytes
// each.
func zeros(beginning []byte, n int) []byte {
	const raw, repeat = 0, 1
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x38} // window 128 KiB
	add := func(kind, size, last int) {
		h := last | kind<<1 | size<<3
		frame = append(frame, byte(h), byte(h>>8), byte(h>>16))
	}
	add(raw, len(beginning), 0)
	frame = append(frame, beginning...)
	for range n {
		add(repeat, 128<<10, 0)
		frame = append(frame, 0)
	}
	add(raw, 0, 1)
	return frame
}
