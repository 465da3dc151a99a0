package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/images/registry"
	"github.com/spf13/cobra"
)

// registriesFile is read where no other is named.
const registriesFile = "/etc/rootbuild/registries.yaml"

// registryOptions say how registries are spoken to.
type registryOptions struct {
	plainHTTP bool
	ca        string
	hosts     string
	mirrors   []string
}

func (o *registryOptions) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak plain http with registries: nobody is asked who they are, and passwords travel in the clear")
	f.StringVar(&o.hosts, "registries", "", "`file` that says how single registries are spoken to (default "+registriesFile+", where it is there)")
	f.StringVar(&o.ca, "registry-ca", "", "`file` with certificates (PEM) that registries are trusted by, beside those of the host")
}

func (o *registryOptions) addMirrors(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.mirrors, "mirror-registry", nil, "`HOST[:PORT][/PREFIX]` that is asked first for all that a digest names; may be given again")
}

// options reads the certificates and checks the mirrors.
func (o registryOptions) options() (registry.Options, error) {
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

// transfer shows what f moves as one step, with a bar for each blob.
func transfer(name string, ro registryOptions, so stateOptions, s cli.Streams, f func(registry.Options) error) error {
	options, err := ro.options()
	if err != nil {
		return err
	}
	return so.show(s, func(display *engine.Display) error {
		task := display.Task(name)
		options.Progress = func(t registry.Transfer) {
			if t.Note != "" {
				fmt.Fprintf(task, "%s: %s\n", t.Object, t.Note)
				return
			}
			task.Bar(t.Object, t.Done, t.Total)
		}
		err := f(options)
		task.Done(err)
		return err
	})
}
