package registry

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Host is how one registry is spoken to, beside what Options say for all.
type Host struct {
	PlainHTTP bool
	CA        string // a file with certificates (PEM) that it is trusted by too
	Mirrors   []string
}

// LoadHosts reads a file that says how registries are spoken to, by HOST[:PORT]. The error
// tells every fault, each with file and line; one file that is not there is fs.ErrNotExist.
func LoadHosts(file string) (map[string]Host, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading how registries are spoken to: %w", err)
	}
	r := hostsReader{Decoder: images.NewDecoder(file), dir: filepath.Dir(file), hosts: map[string]Host{}}
	r.Document(text, images.Fields{"registries": r.List(r.host)}, "registries")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return r.hosts, nil
}

// hostsReader reads the YAML of such a file.
type hostsReader struct {
	*images.Decoder
	dir   string // that files are relative to
	hosts map[string]Host
}

func (r hostsReader) host(n *yaml.Node) {
	var name string
	var h Host
	lines := r.Mapping(n, images.Fields{
		"host": r.String(&name), "plain_http": r.Bool(&h.PlainHTTP), "ca": r.String(&h.CA), "mirrors": r.Strings(&h.Mirrors),
	}, "host")
	if lines == nil || name == "" {
		return
	}
	if _, err := mirrorOf(name, "repository"); err != nil || oci.CanonicalRepository(name) != name {
		r.Faultf(lines["host"], "host %q: want HOST[:PORT], in lower case and without a port that is meant anyway", name)
	}
	if _, twice := r.hosts[name]; twice {
		r.Faultf(lines["host"], "host %q is there already", name)
	}
	if err := (Options{Mirrors: h.Mirrors}).Check(); err != nil {
		r.Faultf(lines["mirrors"], "host %q: %v", name, err)
	}
	if h.CA != "" {
		if !filepath.IsAbs(h.CA) {
			h.CA = filepath.Join(r.dir, h.CA)
		}
		if _, err := WithCA(nil, h.CA); err != nil {
			r.Faultf(lines["ca"], "host %q: %v", name, err)
		}
	}
	r.hosts[name] = h
}

// host returns what is set for one registry.
func (o Options) host(registry string) Host { return o.Hosts[oci.CanonicalRepository(registry)] }

// mirrors returns those of a registry: those for all, then its own.
func (o Options) mirrors(registry string) []string {
	return append(o.Mirrors[:len(o.Mirrors):len(o.Mirrors)], o.host(registry).Mirrors...)
}

// WithCA returns roots, or if they are nil the host's, with the certificates (PEM) of a
// file.
func WithCA(roots *x509.CertPool, file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if roots != nil {
		roots = roots.Clone()
	} else if roots, err = x509.SystemCertPool(); err != nil {
		return nil, fmt.Errorf("reading the host's certificates: %w", err)
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate (PEM)", file)
	}
	return roots, nil
}
