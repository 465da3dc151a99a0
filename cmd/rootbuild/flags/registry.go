package flags

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/spf13/cobra"
)

// registriesFile is read where no other is named.
const registriesFile = "/etc/rootbuild/registries.yaml"

// Registry says how registries are spoken to.
type Registry struct {
	plainHTTP bool
	ca        string
	hosts     string
	mirrors   []string
}

// AddFlags adds the flags of every verb that may speak to a registry.
func (o *Registry) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak plain http with registries: nobody is asked who they are, and passwords travel in the clear")
	f.StringVar(&o.hosts, "registries", "", "`file` that says how single registries are spoken to (default "+registriesFile+", where it is there)")
	f.StringVar(&o.ca, "registry-ca", "", "`file` with certificates (PEM) that registries are trusted by, beside those of the host")
}

// AddMirrors adds the flag of registries that are asked first, for verbs that read by
// digest.
func (o *Registry) AddMirrors(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.mirrors, "mirror-registry", nil, "`HOST[:PORT][/PREFIX]` that is asked first for all that a digest names; may be given again")
}

// Options reads the certificates and checks the mirrors.
func (o Registry) Options() (registry.Options, error) {
	options := registry.Options{PlainHTTP: o.plainHTTP, Mirrors: o.mirrors}
	if err := options.Check(); err != nil {
		return options, cli.UsageError{Err: err}
	}
	var err error
	options.Hosts, err = registry.LoadHosts(cmp.Or(o.hosts, registriesFile))
	if err != nil && (o.hosts != "" || !errors.Is(err, fs.ErrNotExist)) {
		return options, cli.UsageError{Err: err}
	}
	if o.ca != "" {
		if options.RootCAs, err = registry.WithCA(nil, o.ca); err != nil {
			return options, cli.UsageErrorf("reading --registry-ca: %w", err)
		}
	}
	return options, nil
}

// ParseRegistry reads a reference that has to be a registry's.
func ParseRegistry(ref string) (oci.Reference, error) {
	to, err := oci.ParseReference(ref)
	if err == nil && !to.Registry() {
		err = fmt.Errorf("reference %q is no registry's: want HOST/REPOSITORY:TAG; a build copies to layouts with --output", ref)
	}
	if err != nil {
		return to, cli.UsageError{Err: err}
	}
	return to, nil
}

// CheckFor refuses a value of --for that is no repository. None is no fault.
func CheckFor(repository string) error {
	if repository == "" {
		return nil
	}
	if _, err := ParseRegistry(repository + ":tag"); err != nil {
		return cli.UsageErrorf("--for %q: want HOST/REPOSITORY", repository)
	}
	return nil
}
