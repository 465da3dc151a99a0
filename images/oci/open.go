package oci

import (
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a layer can make its reader take, in bytes.
// Layers of all common builders stay below: "zstd -19" takes 8 MiB, and the best
// level of the Go encoder 32.
const maxWindow = 32 << 20

// OpenLayer returns the uncompressed tar of the image's layer i, the lowest
// being 0. In place of io.EOF its end is an error unless the size and digest
// of the compressed bytes and the diffID of the uncompressed ones hold, so a
// reader must reach that end before it trusts what it read.
func OpenLayer(img v1.Image, i int) (io.ReadCloser, error) {
	r, err := openLayer(img, i)
	if err != nil {
		return nil, fmt.Errorf("opening layer %d: %w", i, err)
	}
	return r, nil
}

func openLayer(img v1.Image, i int) (*layerReader, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	if n, m := len(manifest.Layers), len(config.RootFS.DiffIDs); n != m {
		return nil, fmt.Errorf("the manifest has %d layers, the config %d", n, m)
	}
	if i < 0 || i >= len(manifest.Layers) {
		return nil, fmt.Errorf("the image has %d layers", len(manifest.Layers))
	}
	want := manifest.Layers[i]
	layer, err := img.LayerByDigest(want.Digest)
	if err != nil {
		return nil, err
	}
	blob, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	return newLayerReader(blob, want, config.RootFS.DiffIDs[i])
}

// layerReader reads a layer and checks what it is made of.
type layerReader struct {
	want   v1.Descriptor
	diffID v1.Hash

	blob io.Closer
	raw  io.Reader // the compressed bytes, seen by sum and size
	sum  hash.Hash
	size counter
	dec  io.Reader
	stop func() // ends dec
	diff hash.Hash
	made int64 // bytes of the tar that were read
	err  error
}

// packing is how many bytes more than its tar a packed layer may have: twice as many,
// and some that the decoder reads ahead. No program packs so badly, but a million
// empty frames cost a minute and unpack to nothing.
const packing = 512 << 10

var errPadded = errors.New("it is larger packed than unpacked: it holds empty frames, or padding")

// sparing reads the blob for as long as something comes of it.
type sparing struct {
	blob  io.Reader
	layer *layerReader
}

// Read implements io.Reader.
func (s sparing) Read(p []byte) (int, error) {
	if int64(s.layer.size) > packing+2*s.layer.made {
		return 0, errPadded
	}
	return s.blob.Read(p)
}

func newLayerReader(blob io.ReadCloser, want v1.Descriptor, diffID v1.Hash) (*layerReader, error) {
	r := &layerReader{want: want, diffID: diffID, blob: blob, sum: sha256.New(), diff: sha256.New(), stop: func() {}}
	// One byte past the size is enough to know that the blob is too long.
	r.raw = io.TeeReader(sparing{io.LimitReader(blob, want.Size+1), r}, io.MultiWriter(r.sum, &r.size))
	if err := r.decode(); err != nil {
		err = r.explain(err)
		return nil, errors.Join(err, blob.Close())
	}
	return r, nil
}

func (r *layerReader) decode() error {
	switch r.want.MediaType {
	case types.OCILayerZStd:
		dec, err := newDecoder(r.raw)
		if err != nil {
			return err
		}
		r.dec, r.stop = dec, sync.OnceFunc(func() { decoders.Put(dec) })
	case types.OCILayer, types.DockerLayer:
		dec, err := gzip.NewReader(r.raw)
		if err != nil {
			return err
		}
		r.dec = dec
	case types.OCIUncompressedLayer, types.DockerUncompressedLayer:
		r.dec = r.raw
	default:
		return fmt.Errorf("media type %q is no layer known here", r.want.MediaType)
	}
	return nil
}

// decoders are those of layers that were read. Each holds a window, which for an
// image of many small layers costs more to make than what it is used for.
var decoders sync.Pool

func newDecoder(r io.Reader) (*zstd.Decoder, error) {
	if dec, ok := decoders.Get().(*zstd.Decoder); ok {
		return dec, dec.Reset(r)
	}
	return zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
}

// Read implements io.Reader.
func (r *layerReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.dec.Read(p)
	r.made += int64(n)
	r.diff.Write(p[:n])
	if err != nil {
		r.err = r.explain(err)
	}
	return n, r.err
}

// explain turns the end of the decoder, good or bad, into the layer's. Damage
// in the blob is told as such and not as what it did to the decoder.
func (r *layerReader) explain(end error) error {
	if errors.Is(end, errPadded) {
		return fmt.Errorf("reading layer %s: %w", r.want.Digest, end)
	}
	r.made = r.want.Size // the rest is read for its digest alone
	if _, err := io.Copy(io.Discard, r.raw); err != nil {
		return fmt.Errorf("reading layer %s: %w", r.want.Digest, err)
	}
	if got := int64(r.size); got != r.want.Size {
		return fmt.Errorf("reading layer %s: its size is not the %d bytes of the manifest", r.want.Digest, r.want.Size)
	}
	if got := digestOf(r.sum); got != r.want.Digest {
		return fmt.Errorf("reading layer %s: its bytes have digest %s", r.want.Digest, got)
	}
	if !errors.Is(end, io.EOF) {
		return fmt.Errorf("reading layer %s: %w", r.want.Digest, end)
	}
	if got := digestOf(r.diff); got != r.diffID {
		return fmt.Errorf("reading layer %s: its tar has diffID %s, want %s", r.want.Digest, got, r.diffID)
	}
	return io.EOF
}

// Close implements io.Closer. It checks nothing: only the end of the stream
// does.
func (r *layerReader) Close() error {
	r.stop()
	return r.blob.Close()
}

// counter counts the bytes written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
