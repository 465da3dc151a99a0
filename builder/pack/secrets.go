package pack

import (
	"fmt"

	"github.com/rootbuild/rootbuild/images/leaks"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Secrets returns those of a layer.
func Secrets(layout *oci.Layout, layer oci.Layer) ([]leaks.Secret, error) {
	r, err := layout.OpenUnchecked(layer)
	if err != nil {
		return nil, fmt.Errorf("looking for secrets in layer %s: %w", layer.Digest, err)
	}
	defer r.Close()
	found, err := leaks.Secrets(r)
	if err != nil {
		return nil, fmt.Errorf("looking for secrets in layer %s: %w", layer.Digest, err)
	}
	return found, nil
}
