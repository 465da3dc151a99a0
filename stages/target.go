package stages

import (
	"fmt"
	"time"

	"github.com/rootbuild/rootbuild/images"
)

// LoadTarget reads a target, by the name of an embedded one or by its file, and the
// recipes that it may name, and resolves them. Its errors are faults of those files.
func LoadTarget(name string) (Graph, error) {
	t, err := images.Load(name)
	if err != nil {
		return Graph{}, err
	}
	if t.Epoch.After(time.Now()) {
		return Graph{}, fmt.Errorf("%s: epoch %s is later than this host's clock: files of the future confuse make and tar; set an earlier one, or the clock",
			t.Source, t.Epoch.Format(time.RFC3339))
	}
	recipes, err := LoadFor(t)
	if err != nil {
		return Graph{}, err
	}
	return Resolve(t, recipes)
}
