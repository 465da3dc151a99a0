package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/images/oci"
)

// sourceOptions are the flags that say where sources may come from.
type sourceOptions struct {
	distdirs []string
	mirror   mirrors
	offline  bool
}

func (o *sourceOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.distdirs, "distdir", nil, "`directory` that is looked in first for sources; may be given again")
	addMirror(cmd, &o.mirror)
	f.BoolVar(&o.offline, "offline", false, "use no network: name what is missing")
}

// sources are those places; registry says how the mirrors that are registries are
// spoken to.
func (o sourceOptions) sources(registry registryOptions) (sources.From, error) {
	options, err := registry.options()
	return sources.From{
		Dirs: o.distdirs, Archive: o.mirror.archive, Registries: o.mirror.registries,
		Registry: options, Offline: o.offline,
	}, err
}

// mirrors is the value of --mirror: where sources are had before their origins
// are asked.
type mirrors struct {
	archive    string          // base URL of a Debian archive
	registries []oci.Reference // of what fetch --push sent
}

func addMirror(cmd *cobra.Command, m *mirrors) {
	cmd.Flags().Var(m, "mirror", "base `URL` of a Debian archive, instead of the host's apt configuration; or the reference that fetch --push sent sources to, which is asked before their origins; may be given again")
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
