package sources

import (
	"context"
	"errors"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
)

// blobs are the registries as sources are fetched from them: into the layout of
// sources.
func (from From) blobs(store *distfiles.Store) ([]distfiles.Blobs, error) {
	if len(from.Registries) == 0 {
		return nil, nil
	}
	layout, err := oci.OpenLayout(store.Dir())
	if err != nil {
		return nil, err
	}
	var list []distfiles.Blobs
	for _, ref := range from.Registries {
		list = append(list, distfiles.Blobs{Name: ref.String(), Bring: bringFrom(ref, layout, from.Registry)})
	}
	return list, nil
}

// bringFrom returns what brings one source from a registry, whose list it reads
// when it is first asked.
func bringFrom(ref oci.Reference, layout *oci.Layout, options registry.Options) func(context.Context, string, func(int64, int64)) error {
	var once sync.Once
	var files *registry.Files
	var err error
	return func(ctx context.Context, sha256 string, report func(done, total int64)) error {
		once.Do(func() { files, err = registry.OpenFiles(ctx, ref, sourceSetType, options) })
		if err != nil {
			return err
		}
		f, ok := files.Find(v1.Hash{Algorithm: "sha256", Hex: sha256})
		if !ok {
			return errors.New("it has no such source")
		}
		return files.Bring(ctx, layout, f, report)
	}
}
