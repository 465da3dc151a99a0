package oci

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// toDocker writes the archive that `docker load` reads: uncompressed layers,
// named by diffID, and the config that lists them. It is the config's digest
// that names the image there.
func (e *exporter) toDocker(ctx context.Context, w io.Writer) error {
	tags, err := repoTags(e.name)
	if err != nil {
		return err
	}
	config, err := e.img.ConfigFile()
	if err != nil {
		return err
	}
	raw, err := e.img.RawConfigFile()
	if err != nil {
		return err
	}
	item := tarball.Descriptor{Config: e.manifest.Config.Digest.Hex + ".json", RepoTags: tags}
	a := archive{tar.NewWriter(w)}
	seen := map[string]bool{}
	for i, id := range config.RootFS.DiffIDs {
		file := id.Hex + ".tar"
		item.Layers = append(item.Layers, file)
		if seen[file] {
			continue
		}
		seen[file] = true
		if err := e.unpackLayer(ctx, a, file, i); err != nil {
			return err
		}
	}
	list, err := CanonicalJSON(tarball.Manifest{item})
	if err != nil {
		return err
	}
	if err := a.bytes(item.Config, raw); err != nil {
		return err
	}
	if err := a.bytes("manifest.json", list); err != nil {
		return err
	}
	return a.Close()
}

// unpackLayer reads the layer twice: a tar wants the size first, and to count
// is cheaper than to keep gigabytes aside.
func (e *exporter) unpackLayer(ctx context.Context, a archive, file string, i int) error {
	var size counter
	if err := e.readLayer(ctx, &size, i); err != nil {
		return err
	}
	if err := a.file(file, int64(size)); err != nil {
		return err
	}
	return e.readLayer(ctx, a, i)
}

func (e *exporter) readLayer(ctx context.Context, w io.Writer, i int) error {
	r, err := OpenLayer(e.img, i)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, WithContext(ctx, r))
	return err
}

// repoTags returns the image's name as Docker wants it, with a tag.
func repoTags(ref string) ([]string, error) {
	if ref == "" {
		return []string{}, nil
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		return nil, fmt.Errorf("name %q: want REPOSITORY:TAG: %w", ref, err)
	}
	if suffix := ":" + tag.TagStr(); !strings.HasSuffix(ref, suffix) {
		ref += suffix
	}
	return []string{ref}, nil
}
