package builder

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/base"
	"github.com/rootbuild/rootbuild/images/registry"
)

// base returns the image to build in: the one that the user names, the one of
// an earlier run, or a new one.
func (b build) base(ctx context.Context) (v1.Hash, error) {
	o := b.options
	digest, found, err := base.Look(b.layout, o.Base, o.Sources.Archive)
	switch {
	case found || err != nil:
		return digest, err
	case o.Sources.Offline && !strings.HasPrefix(o.Base, "oci:"):
		return v1.Hash{}, fmt.Errorf("the base is not in %s, and --offline forbids to fetch it: run without it once, or name a layout with --base oci:DIR", b.layout.Dir())
	case o.Base != "":
		return base.Import(ctx, b.layout, o.Base, registry.Credentials)
	}
	return b.bootstrap(ctx, base.Options{Mirror: o.Sources.Archive})
}

// bootstrap makes a base, with its log in the display.
func (b build) bootstrap(ctx context.Context, o base.Options) (v1.Hash, error) {
	task := b.options.Display.Task("base: mmdebstrap")
	o.Log = task
	digest, err := base.Bootstrap(ctx, b.layout, o)
	task.Done(err)
	return digest, err
}
