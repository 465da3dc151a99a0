package history

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/report"
	"github.com/rootbuild/rootbuild/images/oci"
)

// largestFiles is how many a report has.
const largestFiles = 25

// contents reads the layers of the image, and its largest files.
func (r *reporter) contents(ctx context.Context) ([]report.Layer, []report.File, error) {
	img, err := r.layout.Image(r.image)
	if err != nil {
		return nil, nil, err
	}
	layers, err := layersOf(img)
	if err != nil {
		return nil, nil, err
	}
	var files []report.File
	for i := range layers {
		more, err := readFiles(ctx, img, i, &layers[i])
		if err != nil {
			return nil, nil, fmt.Errorf("reading layer %s: %w", layers[i].Digest, err)
		}
		files = largest(append(files, more...))
	}
	return layers, files, nil
}

func largest(files []report.File) []report.File {
	slices.SortFunc(files, func(a, b report.File) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Path, b.Path))
	})
	return files[:min(len(files), largestFiles)]
}

// layersOf reads what an image says of its layers.
func layersOf(img v1.Image) ([]report.Layer, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	var list []report.Layer
	for i, d := range manifest.Layers {
		l := report.Layer{Digest: d.Digest.String(), Size: d.Size}
		if i < len(config.History) {
			l.Package, l.Version, l.Own = madeOf(config.History[i].CreatedBy)
		}
		list = append(list, l)
	}
	return list, nil
}

// madeOf reads what image writes: "package NAME VERSION", or "target NAME".
func madeOf(createdBy string) (name, version string, own bool) {
	words := strings.Fields(createdBy)
	switch {
	case len(words) == 3 && words[0] == "package":
		return words[1], words[2], false
	case len(words) == 2 && words[0] == "target":
		return words[1], "", true
	}
	return createdBy, "", false
}

// readFiles adds to a layer what its files unpack to, and returns the largest.
func readFiles(ctx context.Context, img v1.Image, i int, l *report.Layer) (files []report.File, err error) {
	r, err := oci.OpenLayer(img, i)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	stream := oci.WithContext(ctx, r)
	for in := tar.NewReader(stream); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			// The layer's digest is checked at its end.
			_, err = io.Copy(io.Discard, stream)
			return files, err
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		l.Files++
		l.Unpacked += h.Size
		files = append(files, report.File{Path: "/" + h.Name, Package: l.Package, Size: h.Size})
		if len(files) > 4*largestFiles {
			files = largest(files)
		}
	}
}

// previous is the image that the target had before, if its layers are still known.
func (r *reporter) previous() *report.Image {
	h, err := v1.NewHash(r.last.Previous)
	if err != nil {
		return nil
	}
	img, err := r.layout.Image(h)
	if err != nil {
		return nil // it was removed
	}
	layers, err := layersOf(img)
	if err != nil {
		return nil
	}
	return &report.Image{Digest: h.String(), Layers: layers}
}
