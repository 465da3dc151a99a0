package plan

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/rootbuild/rootbuild/builder/definition"
	"github.com/rootbuild/rootbuild/builder/packages"
	"github.com/rootbuild/rootbuild/stages"
)

// Offers finds packages in places: by key, then by the key by content.
type Offers struct {
	graph  stages.Graph
	keys   func() map[string]string
	places []packages.Place
	// Layer tells the layer of an output that a stage is built with, if it is known.
	Layer func(context.Context, definition.Need) (packages.Layer, bool, error)
}

// Offer is a package that a place has, and what it says of itself.
type Offer struct {
	Place packages.Place
	Tag   string
	Says  packages.Package
}

// NewOffers are those of places for the stages of a graph. What they are built with is
// not known yet.
func NewOffers(graph stages.Graph, places []packages.Place) Offers {
	return Offers{graph: graph, keys: sync.OnceValue(graph.Keys), places: places}
}

// Key is that of a stage.
func (o Offers) Key(name string) string { return o.keys()[name] }

// Of yields who has the package of a stage, in the order to ask. It asks as it goes.
func (o Offers) Of(ctx context.Context, name string) iter.Seq2[Offer, error] {
	return func(yield func(Offer, error) bool) {
		if len(o.places) == 0 || !o.tagged(ctx, o.Key(name), yield) {
			return
		}
		content, err := o.Content(ctx, name)
		if err != nil {
			yield(Offer{}, err)
		} else if content != "" {
			o.tagged(ctx, packages.ByContent(content), yield)
		}
	}
}

// tagged yields the places that have a tag. It is false when nobody wants more.
func (o Offers) tagged(ctx context.Context, tag string, yield func(Offer, error) bool) bool {
	for _, place := range o.places {
		says, found, err := place.Look(ctx, tag)
		if (found || err != nil) && !yield(Offer{place, tag, says}, err) {
			return false
		}
	}
	return true
}

// Having are the places that have a tag.
func (o Offers) Having(ctx context.Context, tag string) (list []Offer, err error) {
	o.tagged(ctx, tag, func(found Offer, failed error) bool {
		list, err = append(list, found), failed
		return err == nil
	})
	return list, err
}

// Content returns the key by content of a stage, "" where it is not known what all that
// it is built with is.
func (o Offers) Content(ctx context.Context, name string) (string, error) {
	mounted := []string{}
	for _, n := range definition.Needs(o.graph, name) {
		l, known, err := o.Layer(ctx, n)
		if !known || err != nil {
			return "", err
		}
		mounted = append(mounted, fmt.Sprintf("%s: %s", n, l.Digest))
	}
	return o.graph.ContentKey(name, mounted), nil
}
