package flags

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
)

const (
	// buildersFile names the builders where --builder names none.
	buildersFile = "/etc/rootbuild/builders.yaml"
	// embeddedBuilder is what --builder calls the BuildKit in this process.
	embeddedBuilder = "embedded"
)

// Builders says where steps run.
type Builders struct {
	urls     []string
	tls      string
	insecure bool
	runc     string
}

// AddFlags adds the flags of every verb that may have steps run.
func (o *Builders) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.urls, "builder", nil, "where steps run: this `URL`, or "+embeddedBuilder+", the BuildKit in this process with runc; given again, stages are spread over several (default: those in "+buildersFile+", where it is there, else "+embeddedBuilder+"); it is one of "+engine.Schemes)
	f.StringVar(&o.tls, "builder-tls", "", "`directory` with ca.pem, cert.pem and key.pem for builders at tcp://")
	f.BoolVar(&o.insecure, "builder-insecure", false, "speak to a builder at tcp:// on another host without TLS: anybody on the way can change what is built")
	AddRunc(cmd, &o.runc)
}

// List returns those of the flags, else those of the file, else the one in this process:
// one at least.
func (o Builders) List() ([]engine.Builder, error) {
	list := o.named()
	if len(list) == 0 {
		var err error
		if list, err = builder.LoadBuilders(buildersFile); err != nil {
			return nil, cli.UsageError{Err: err}
		}
	}
	if len(list) == 0 {
		list = []engine.Builder{{TLS: o.tls}}
	}
	for i := range list {
		list[i].Runc = o.runc
	}
	if err := engine.Validate(list); err != nil {
		return nil, cli.UsageError{Err: err}
	}
	return list, nil
}

// named are those of the flags.
func (o Builders) named() []engine.Builder {
	var list []engine.Builder
	for _, url := range o.urls {
		b := engine.Builder{URL: url, TLS: o.tls, Insecure: o.insecure}
		if url == embeddedBuilder {
			b.URL = ""
		}
		// Of several, the certificates are for those that want some.
		if len(o.urls) > 1 && !strings.HasPrefix(url, "tcp:") {
			b.TLS = ""
		}
		list = append(list, b)
	}
	return list
}

// AddRunc adds the flag that names runc, for verbs that need no more of a builder.
func AddRunc(cmd *cobra.Command, runc *string) {
	cmd.Flags().StringVar(runc, "runc", "", "runc `program` (default: the one beside rootbuild, else in PATH)")
}
