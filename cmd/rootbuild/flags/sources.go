package flags

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Sources says where sources may come from.
type Sources struct {
	distdirs []string
	Mirror   Mirrors
	offline  bool
}

// AddFlags adds the flags of every verb that may fetch sources.
func (o *Sources) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.distdirs, "distdir", nil, "`directory` that is looked in first for sources; may be given again")
	o.Mirror.AddFlags(cmd)
	f.BoolVar(&o.offline, "offline", false, "use no network: name what is missing")
}

// From returns those places; registry says how the mirrors that are registries are
// spoken to.
func (o Sources) From(registry Registry) (sources.From, error) {
	options, err := registry.Options()
	return sources.From{
		Dirs: o.distdirs, Archive: o.Mirror.Archive, Registries: o.Mirror.registries,
		Registry: options, Offline: o.offline,
	}, err
}

// Mirrors is the value of --mirror: where sources are had before their origins
// are asked.
type Mirrors struct {
	Archive    string          // base URL of a Debian archive
	registries []oci.Reference // of what fetch --push sent
}

// AddFlags adds that flag.
func (m *Mirrors) AddFlags(cmd *cobra.Command) {
	cmd.Flags().Var(m, "mirror", "base `URL` of a Debian archive, instead of the host's apt configuration; or the reference that fetch --push sent sources to, which is asked before their origins; may be given again")
}

// Set takes a URL, which has a scheme, or a reference, which has none.
func (m *Mirrors) Set(s string) error {
	if strings.Contains(s, ":/") {
		if m.Archive != "" {
			return fmt.Errorf("it is the second Debian archive, after %s: name one", m.Archive)
		}
		m.Archive = s
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
func (*Mirrors) Type() string { return "URL|REF" }

// String returns what was set.
func (m *Mirrors) String() string {
	var list []string
	if m.Archive != "" {
		list = append(list, m.Archive)
	}
	for _, r := range m.registries {
		list = append(list, r.String())
	}
	return strings.Join(list, " ")
}
