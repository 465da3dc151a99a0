package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images"
)

const (
	// buildersFile names the builders where --builder names none.
	buildersFile = "/etc/rootbuild/builders.yaml"
	// embeddedBuilder is what --builder calls the BuildKit in this process.
	embeddedBuilder = "embedded"
)

// builderOptions say where steps run.
type builderOptions struct {
	urls     []string
	tls      string
	insecure bool
	runc     string
}

func (o *builderOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.urls, "builder", nil, "where steps run: this `URL`, or "+embeddedBuilder+", the BuildKit in this process with runc; given again, stages are spread over several (default: those in "+buildersFile+", where it is there, else "+embeddedBuilder+"); it is one of "+engine.Schemes)
	f.StringVar(&o.tls, "builder-tls", "", "`directory` with ca.pem, cert.pem and key.pem for builders at tcp://")
	f.BoolVar(&o.insecure, "builder-insecure", false, "speak to a builder at tcp:// on another host without TLS: anybody on the way can change what is built")
	addRunc(cmd, &o.runc)
}

// builders are those of the flags, else those of the file, else the one in this process.
func (o builderOptions) builders() ([]engine.Builder, error) {
	list := o.named()
	if len(list) == 0 {
		var err error
		if list, err = readBuildersFile(buildersFile); err != nil {
			return nil, usageError{err}
		}
	}
	if len(list) == 0 {
		list = []engine.Builder{{TLS: o.tls}}
	}
	for i := range list {
		list[i].Runc = o.runc
	}
	if err := engine.Validate(list); err != nil {
		return nil, usageError{err}
	}
	return list, nil
}

// named are those of the flags.
func (o builderOptions) named() []engine.Builder {
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

// readBuildersFile reads `builders: [{url: URL, tls: DIR, insecure: BOOL}, ...]`, if
// there is such a file. A directory that is not absolute lies beside it.
func readBuildersFile(file string) ([]engine.Builder, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []engine.Builder
	d := images.NewDecoder(file)
	d.Document(text, images.Fields{"builders": d.List(func(n *yaml.Node) {
		var b engine.Builder
		d.Mapping(n, images.Fields{"url": d.String(&b.URL), "tls": d.String(&b.TLS), "insecure": d.Bool(&b.Insecure)}, "url")
		if b.TLS != "" && !filepath.IsAbs(b.TLS) {
			b.TLS = filepath.Join(filepath.Dir(file), b.TLS)
		}
		if err := b.Validate(); err != nil {
			d.Faultf(n.Line, "%v", err)
		}
		list = append(list, b)
	})})
	return list, d.Err()
}
