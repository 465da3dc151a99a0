package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rootbuild/rootbuild/builder/distfiles"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/spf13/cobra"
)

// mirrors is the value of --mirror: where sources are had before their origins
// are asked.
type mirrors struct {
	archive    string          // base URL of a Debian archive
	registries []oci.Reference // of what fetch --push sent
}

func addMirror(cmd *cobra.Command, m *mirrors) {
	cmd.Flags().Var(m, "mirror", "base URL of a Debian archive, instead of the host's apt configuration; or the reference that fetch --push sent sources to, which is asked before their origins; may be given again")
}

// Set takes a URL, which has a scheme, or a reference, which has none.
func (m *mirrors) Set(s string) error {
	if strings.Contains(s, ":/") {
		if m.archive != "" {
			return fmt.Errorf("it is the second Debian archive, after %s: name one", m.archive)
		}
		m.archive = s
		return nil
	}
	ref, err := oci.ParseReference(s)
	if err == nil && !ref.Registry() {
		err = errors.New("want the URL of a Debian archive, or HOST/REPOSITORY:TAG")
	}
	m.registries = append(m.registries, ref)
	return err
}

// Type tells in the help what Set takes.
func (*mirrors) Type() string { return "URL|REF" }

// String returns what was set.
func (m *mirrors) String() string {
	var list []string
	if m.archive != "" {
		list = append(list, m.archive)
	}
	for _, r := range m.registries {
		list = append(list, r.String())
	}
	return strings.Join(list, " ")
}

// blobs are the registries as sources are fetched from them: into the layout of
// sources.
func (m *mirrors) blobs(store *distfiles.Store, ro registryOptions) ([]distfiles.Blobs, error) {
	if len(m.registries) == 0 {
		return nil, nil
	}
	options, err := ro.options()
	if err != nil {
		return nil, err
	}
	layout, err := oci.OpenLayout(store.Dir())
	if err != nil {
		return nil, err
	}
	var list []distfiles.Blobs
	for _, ref := range m.registries {
		list = append(list, distfiles.Blobs{Name: ref.String(), Bring: bringFrom(ref, layout, options)})
	}
	return list, nil
}

// bringFrom returns what brings one source from a registry, whose list it reads
// when it is first asked.
func bringFrom(ref oci.Reference, layout *oci.Layout, options oci.RegistryOptions) func(context.Context, string, func(int64, int64)) error {
	var once sync.Once
	var files *oci.RemoteFiles
	var err error
	return func(ctx context.Context, sha256 string, report func(done, total int64)) error {
		once.Do(func() { files, err = oci.OpenFiles(ctx, ref, sourceSetType, options) })
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
