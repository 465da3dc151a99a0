package records

import (
	"time"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
)

// Taken is the record of a package that was built elsewhere, with the layer of its root.
type Taken struct {
	Package packages.Package
	Layer   oci.Layer
	Found   bool `json:"-"`
	// When its layer was brought, and in which run, as state.Step has it. An older
	// rootbuild did not note them.
	Started, Completed time.Time `json:",omitzero"`
	Run                time.Time `json:",omitzero"`
}
