package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
)

// The image that is measured.
const (
	layerCount = 25
	layerFiles = 1600
	largeFile  = 150 << 10 // one in twenty
	smallFile  = 1 << 10   // one to four times this the others: 10 KB on average
)

// pair is an image in the registry, and one that differs from it in one layer, if
// there is one.
type pair struct {
	what        string
	first, next string   // references
	layers      []string // blobs of the first
	packed      int64
}

// String describes the image.
func (p pair) String() string {
	return fmt.Sprintf("%s: %d layers, %.1f MB as zstd.", p.what, len(p.layers), float64(p.packed)/1e6)
}

// images are those in the registry: a pair and a tiny one.
type images struct {
	pair
	registry string
	tinyHash v1.Hash
	layout   *oci.Layout
}

// makeImages writes the images, always the same bytes, and pushes them.
func makeImages(ctx context.Context, dir, registry string) (images, error) {
	i := images{registry: registry}
	i.what = fmt.Sprintf("The image, %d files of 404 MB", layerCount*layerFiles)
	var err error
	if i.layout, err = oci.OpenLayout(dir); err != nil {
		return i, err
	}
	var layers []oci.LayerRef
	for n := range layerCount {
		l, err := writeLayer(ctx, i.layout, n, layerFiles, uint64(n), sizeOf)
		if err != nil {
			return i, err
		}
		layers = append(layers, l)
		i.layers = append(i.layers, i.layout.BlobPath(l.Digest))
		i.packed += l.Size
	}
	other, err := writeLayer(ctx, i.layout, layerCount/2, layerFiles, layerCount, sizeOf)
	if err != nil {
		return i, err
	}
	small, err := writeLayer(ctx, i.layout, 0, 3, 0, sizeOf)
	if err != nil {
		return i, err
	}
	if _, i.first, err = i.push(ctx, "first", layers); err != nil {
		return i, err
	}
	layers[layerCount/2] = other
	if _, i.next, err = i.push(ctx, "next", layers); err != nil {
		return i, err
	}
	i.tinyHash, _, err = i.push(ctx, "tiny", []oci.LayerRef{small})
	return i, err
}

// pushMany makes and pushes two images of many files of a few bytes, of which one
// layer differs.
func (i images) pushMany(ctx context.Context, files int) (first, next string, err error) {
	few := func(int, *rand.Rand) int64 { return 20 }
	var layers []oci.LayerRef
	for n := range layerCount {
		l, err := writeLayer(ctx, i.layout, n, files/layerCount, uint64(n), few)
		if err != nil {
			return "", "", err
		}
		layers = append(layers, l)
	}
	if _, first, err = i.push(ctx, "many", layers); err != nil {
		return "", "", err
	}
	if layers[layerCount/2], err = writeLayer(ctx, i.layout, layerCount/2, files/layerCount, layerCount, few); err != nil {
		return "", "", err
	}
	_, next, err = i.push(ctx, "many-next", layers)
	return first, next, err
}

// pushBuilt pushes an image that rootbuild built here, known by name in the layout.
func pushBuilt(ctx context.Context, layout, name, registryHost string) (pair, error) {
	p := pair{what: "The image " + name + " as built here"}
	from, found, err := oci.Tagged(layout, name)
	if err != nil || !found {
		return p, errors.Join(err, fmt.Errorf("%s has no image %s: build it first, or name another", layout, name))
	}
	l, err := oci.OpenLayout(layout)
	if err != nil {
		return p, err
	}
	hash, name, err := pushTo(ctx, from, registryHost+"/bench/"+name+":built")
	if err != nil {
		return p, err
	}
	p.first = name
	img, err := l.Image(hash)
	if err != nil {
		return p, err
	}
	m, err := img.Manifest()
	if err != nil {
		return p, err
	}
	for _, layer := range m.Layers {
		p.layers = append(p.layers, l.BlobPath(layer.Digest))
		p.packed += layer.Size
	}
	return p, nil
}

func (i images) push(ctx context.Context, tag string, layers []oci.LayerRef) (v1.Hash, string, error) {
	h, err := i.layout.WriteImage(oci.ImageOptions{
		Layers: layers, Ref: tag, Platform: v1.Platform{OS: "linux", Architecture: "amd64"},
		Annotations: map[string]string{"org.opencontainers.image.title": "bench"},
	})
	if err != nil {
		return v1.Hash{}, "", err
	}
	return pushTo(ctx, i.layout.Reference(h), i.registry+"/bench/root:"+tag)
}

func pushTo(ctx context.Context, from oci.Reference, name string) (v1.Hash, string, error) {
	to, err := oci.ParseReference(name)
	if err != nil {
		return v1.Hash{}, "", err
	}
	h, err := registry.Push(ctx, from, to, registry.Options{PlainHTTP: true})
	return h, name, err
}

// writeLayer makes a layer of files of many sizes, text and noise as in
// programs: they pack to a third.
func writeLayer(ctx context.Context, l *oci.Layout, n, files int, seed uint64, size sizes) (oci.LayerRef, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeTar(w, n, files, rand.New(rand.NewPCG(1, seed)), size)) }()
	layer, err := l.WriteLayer(ctx, r, oci.LayerOptions{})
	return layer.Ref(fmt.Sprintf("package %d", n)), err
}

func writeTar(out io.Writer, n, files int, random *rand.Rand, sizeOf sizes) error {
	w := tar.NewWriter(out)
	for f := range files {
		size := sizeOf(f, random)
		h := &tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("usr/lib/p%d/d%d/f%d", n, f/20, f), Mode: 0o644, Size: size}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.CopyN(w, &prose{random: random}, size); err != nil {
			return err
		}
	}
	return w.Close()
}

// sizes returns the size of a file.
type sizes func(f int, random *rand.Rand) int64

func sizeOf(f int, random *rand.Rand) int64 {
	if f%20 == 0 {
		return largeFile
	}
	return smallFile * int64(1+random.IntN(4))
}

// prose is without end: words, and now and then bytes of no sense.
type prose struct {
	random *rand.Rand
	rest   []byte
}

var words = strings.Fields("push pop mov lea call ret test jne add sub xor node root layer image switch current error reading writing of the and to in")

// Read implements io.Reader.
func (p *prose) Read(b []byte) (int, error) {
	for len(p.rest) < len(b) {
		if p.random.IntN(20) == 0 {
			for range 16 {
				p.rest = append(p.rest, byte(p.random.Uint32()))
			}
		}
		p.rest = append(p.rest, words[p.random.IntN(len(words))]...)
		p.rest = append(p.rest, ' ')
	}
	n := copy(b, p.rest)
	p.rest = append(p.rest[:0], p.rest[n:]...)
	return n, nil
}
