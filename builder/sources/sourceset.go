package sources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/stages"
)

// sourceSetType is the type of the artifact that Push sends.
const sourceSetType = "application/vnd.rootbuild.distfiles.v1"

// correspondingSource is that of a graph's image: of each recipe the sources, and
// recipe.yaml with all that stands beside it.
func correspondingSource(graph stages.Graph) []distfiles.ExportFile {
	var files []distfiles.ExportFile
	for _, r := range graph.Recipes() {
		below := r.Name + "-" + r.Version + "/"
		for _, source := range r.Sources {
			files = append(files, distfiles.ExportFile{Path: below + source.Name, SHA256: source.SHA256})
		}
		files = append(files, distfiles.ExportFile{Path: below + "recipe/recipe.yaml", Text: r.Text})
		for _, name := range slices.Sorted(maps.Keys(r.Files)) {
			files = append(files, distfiles.ExportFile{Path: below + "recipe/" + name, Text: r.Files[name]})
		}
	}
	return files
}

// Export writes the corresponding source of a graph to a directory, which
// From.Dirs reads, and returns how many files that are. The state has all sources
// of the graph: see Fetch.
func Export(ctx context.Context, in *state.State, graph stages.Graph, dir string) (int, error) {
	store, err := distfiles.Open(in.Distfiles())
	if err != nil {
		return 0, err
	}
	files := correspondingSource(graph)
	return len(files), store.Export(ctx, dir, files)
}

// Push sends the corresponding source of a graph to a registry, where
// From.Registries reads it, and returns its digest. The state has all sources of
// the graph: see Fetch.
func Push(ctx context.Context, in *state.State, graph stages.Graph, to oci.Reference, o registry.Options) (v1.Hash, error) {
	store, err := distfiles.Open(in.Distfiles())
	if err != nil {
		return v1.Hash{}, err
	}
	set, err := newSourceSet(graph, store)
	if err != nil {
		return v1.Hash{}, err
	}
	return registry.PushFiles(ctx, set.FileSet, to, o)
}

// sourceSet is the corresponding source by digests: sources of the store, and
// the texts of recipes.
type sourceSet struct {
	registry.FileSet
	store *distfiles.Store
	texts map[v1.Hash][]byte
}

func newSourceSet(graph stages.Graph, store *distfiles.Store) (sourceSet, error) {
	set := sourceSet{store: store, texts: map[v1.Hash][]byte{}, FileSet: registry.FileSet{
		Type:        sourceSetType,
		Annotations: map[string]string{"org.opencontainers.image.title": "sources of " + graph.Target.Name},
	}}
	set.Open = set.open
	for _, f := range correspondingSource(graph) {
		file, err := set.file(f)
		if err != nil {
			return set, err
		}
		set.Files = append(set.Files, file)
	}
	return set, nil
}

func (s sourceSet) file(f distfiles.ExportFile) (registry.SetFile, error) {
	if f.SHA256 == "" {
		sum := sha256.Sum256(f.Text)
		h := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
		s.texts[h] = f.Text
		return registry.SetFile{Name: f.Path, Digest: h, Size: int64(len(f.Text))}, nil
	}
	info, err := os.Stat(s.store.Path(f.SHA256))
	if err != nil {
		return registry.SetFile{}, fmt.Errorf("reading source %s: %w", f.Path, err)
	}
	return registry.SetFile{Name: f.Path, Digest: v1.Hash{Algorithm: "sha256", Hex: f.SHA256}, Size: info.Size()}, nil
}

func (s sourceSet) open(h v1.Hash) (io.ReadCloser, error) {
	if text, ok := s.texts[h]; ok {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	return safeopen.File(s.store.Path(h.Hex))
}
