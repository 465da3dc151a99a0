// Package attach puts beside an image what it is built of, and reads that again: its
// blueprint, its bill of materials and the list of its sources.
package attach

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/rootbuild/rootbuild/builder/pack"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/stages"
)

// The types of a blueprint beside its image: of the artifact, and of its blob.
const (
	blueprintType = "application/vnd.rootbuild.blueprint.v1"
	blueprintBlob = blueprintType + "+tar+zstd"
)

// Blueprint puts beside an image what it is built of, unless it carries
// that already: the one that it was first built of is as good.
func Blueprint(ctx context.Context, layout *oci.Layout, graph stages.Graph, image v1.Hash, made stages.Made) error {
	if found, err := layout.Attachments(image, blueprintType); err != nil || len(found) > 0 {
		return err
	}
	data, err := blueprint(ctx, layout, graph, made)
	if err != nil {
		return err
	}
	_, err = layout.Attach(image, oci.Attachment{
		Type:  blueprintType,
		Blobs: []oci.AttachedBlob{{MediaType: blueprintBlob, Title: "blueprint.tar.zst", Data: data}},
	})
	return err
}

// blueprint packs what the image is built of as a layer is packed: the same
// blueprint has the same bytes.
func blueprint(ctx context.Context, layout *oci.Layout, graph stages.Graph, made stages.Made) ([]byte, error) {
	files, err := graph.Blueprint(made)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeFiles(w, files)) }()
	layer, err := layout.WriteLayer(ctx, r, oci.LayerOptions{Epoch: graph.Target.Epoch})
	if err != nil {
		return nil, fmt.Errorf("writing blueprint: %w", err)
	}
	secrets, err := pack.Secrets(layout, layer)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, s := range secrets {
		errs = append(errs, fmt.Errorf("%s is %s: what an image is built of travels with it, and everybody reads it", s.Path, s.What))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	data, err := safeopen.Read(layout.BlobPath(layer.Digest), safeopen.Unlimited)
	if err != nil {
		return nil, fmt.Errorf("reading blueprint: %w", err)
	}
	return data, nil
}

// writeFiles packs files, given by their paths.
func writeFiles(w io.Writer, files map[string][]byte) error {
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			return err
		}
		if _, err := out.Write(files[name]); err != nil {
			return err
		}
	}
	return out.Close()
}

// ErrNoBlueprint is of an image that does not say what it is built of.
var ErrNoBlueprint = errors.New("it carries no blueprint, as images do that an older rootbuild made, or that another program copied")

// ReadBlueprint unpacks what an image carries to dir, and resolves it.
func ReadBlueprint(layout *oci.Layout, image v1.Hash, dir string) (stages.Graph, stages.Made, error) {
	found, err := layout.Attachments(image, blueprintType)
	if err != nil {
		return stages.Graph{}, stages.Made{}, err
	}
	if len(found) == 0 || len(found[0].Blobs) == 0 {
		return stages.Graph{}, stages.Made{}, ErrNoBlueprint
	}
	if err := unpackBlueprint(found[0].Blobs[0].Data, dir); err != nil {
		return stages.Graph{}, stages.Made{}, fmt.Errorf("unpacking its blueprint: %w", err)
	}
	return stages.ReadBlueprint(dir)
}

// blueprintSize bounds what a blueprint may unpack to, in bytes: it came with
// an image from anywhere.
const blueprintSize = 256 << 20

func unpackBlueprint(data []byte, dir string) (err error) {
	dec, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderMaxWindow(16<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer dec.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// No name in it leads out of the directory.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for in := tar.NewReader(io.LimitReader(dec, blueprintSize)); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(h.Name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(h.Name, content, 0o600); err != nil {
			return err
		}
	}
}
