package builder

import (
	"errors"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images"
)

// LoadBuilders reads `builders: [{url: URL, tls: DIR, insecure: BOOL}, ...]`, if
// there is such a file. A directory that is not absolute lies beside it.
func LoadBuilders(file string) ([]engine.Builder, error) {
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
