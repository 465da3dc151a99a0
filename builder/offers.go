package builder

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/stages"
)

// offers finds packages in places: by key, then by the key by content.
type offers struct {
	graph  stages.Graph
	keys   func() map[string]string
	places []packages.Place
	// layer tells the layer of an output that a stage is built with, if it is known.
	layer func(context.Context, need) (packages.Layer, bool, error)
}

// offer is a package that a place has, and what it says of itself.
type offer struct {
	place packages.Place
	tag   string
	says  packages.Package
}

func (b build) offers() offers {
	return offers{graph: b.graph, keys: sync.OnceValue(b.graph.Keys), places: b.options.Packages}
}

// of yields who has the package of a stage, in the order to ask. It asks as it goes.
func (o offers) of(ctx context.Context, name string) iter.Seq2[offer, error] {
	return func(yield func(offer, error) bool) {
		if len(o.places) == 0 || !o.tagged(ctx, o.keys()[name], yield) {
			return
		}
		content, err := o.content(ctx, name)
		if err != nil {
			yield(offer{}, err)
		} else if content != "" {
			o.tagged(ctx, packages.ByContent(content), yield)
		}
	}
}

// tagged yields the places that have a tag. It is false when nobody wants more.
func (o offers) tagged(ctx context.Context, tag string, yield func(offer, error) bool) bool {
	for _, place := range o.places {
		says, found, err := place.Look(ctx, tag)
		if (found || err != nil) && !yield(offer{place, tag, says}, err) {
			return false
		}
	}
	return true
}

// having are the places that have a tag.
func (o offers) having(ctx context.Context, tag string) (list []offer, err error) {
	o.tagged(ctx, tag, func(found offer, failed error) bool {
		list, err = append(list, found), failed
		return err == nil
	})
	return list, err
}

// content returns the key by content of a stage, "" where it is not known what all that
// it is built with is.
func (o offers) content(ctx context.Context, name string) (string, error) {
	mounted := []string{}
	for _, n := range needs(o.graph, name) {
		l, known, err := o.layer(ctx, n)
		if !known || err != nil {
			return "", err
		}
		mounted = append(mounted, fmt.Sprintf("%s: %s", n, l.Digest))
	}
	return o.graph.ContentKey(name, mounted), nil
}

// need is an output of a stage.
type need struct {
	stage  string
	output packages.Output
}

// String names the output for the progress: "tools of gcc".
func (n need) String() string { return fmt.Sprintf("%s of %s", n.output, n.stage) }

// needs are what a stage is built with, in the order of mounting.
func needs(graph stages.Graph, name string) []need {
	var list []need
	for _, tool := range graph.Tools(name) {
		list = append(list, need{tool, packages.Tools})
	}
	for _, dep := range graph.BuildClosure(name) {
		list = append(list, need{dep, packages.Root}, need{dep, packages.Dev})
	}
	return list
}

// packedLayer is the layer as a package has it: of an output but the root that is empty it
// has none.
func packedLayer(o packages.Output, l oci.Layer) packages.Layer {
	if o != packages.Root && len(l.Entries) == 0 {
		return packages.Layer{}
	}
	return packages.Layer{Digest: l.Digest, Size: l.Size}
}
