package prune

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
)

// blobCount counts blobs, each for the first that has it.
type blobCount struct {
	pruning *pruning
	left    map[v1.Hash]oci.Blob
}

// take returns the size of those that nobody had before.
func (c blobCount) take(blobs []v1.Hash, action Action) (size int64) {
	for _, h := range blobs {
		b, ok := c.left[h]
		if !ok {
			continue
		}
		delete(c.left, h)
		size += b.Size
		if action == Keep {
			c.pruning.stay[h] = true
		} else {
			c.pruning.blobs = append(c.pruning.blobs, h)
		}
	}
	return size
}

// lookBlobs says which blobs of images stay: of images that do, and layers that the
// records of targets name. What no image names, of those that go neither, may be of a
// build or a pull that broke off, and stays for the grace.
func (p *pruning) lookBlobs(holdings []*holding) error {
	list, err := p.layout.Blobs()
	if err != nil {
		return err
	}
	count := blobCount{p, map[v1.Hash]oci.Blob{}}
	for _, b := range list {
		count.left[b.Digest] = b
	}
	layers, err := p.neededLayers()
	if err != nil {
		return err
	}
	tell := func(action Action) {
		for _, h := range holdings {
			if h.action == action {
				p.found.add(h.item(count.take(h.blobs(), action)))
			}
		}
	}
	tell(Keep)
	for _, h := range layers {
		if _, ok := count.left[h]; ok {
			p.tell(Keep, kindLayer, count.take([]v1.Hash{h}, Keep), "targets have them")
		}
	}
	tell(Delete)
	for _, b := range list {
		if _, ok := count.left[b.Digest]; !ok {
			continue
		}
		action, why := Delete, "no image that stays has them, and no target"
		if p.young(b.Since) {
			action, why = Keep, "grace: what they are for may not be finished"
		}
		p.tell(action, kindLayer, count.take([]v1.Hash{b.Digest}, action), why)
	}
	return nil
}

// blobs are those of an image and of all that is attached to it.
func (h *holding) blobs() (all []v1.Hash) {
	for _, m := range h.whole {
		all = append(all, m.Blobs()...)
	}
	return all
}

// item tells of an image by its name. Packages are too many for that.
func (h *holding) item(size int64) Item {
	i := Item{Action: h.action, Kind: h.kind, Size: size, Why: h.why}
	switch h.kind {
	case kindImage:
		i.Name, i.Digest = h.target, h.Digest.String()
	case kindBase:
		i.Name, i.Digest = "base", h.Digest.String()
	}
	return i
}

// neededLayers are the layers that the records of targets name, in the order of the
// records' names.
func (p *pruning) neededLayers() ([]v1.Hash, error) {
	var list []v1.Hash
	for name := range p.needed.layers {
		var l oci.Layer
		found, err := p.state.Read(state.KindLayers, recordKey(name), &l)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, l.Digest)
		}
	}
	for name := range p.needed.taken {
		var t records.Taken
		found, err := p.state.Read(state.KindTaken, recordKey(name), &t)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, t.Layer.Digest)
		}
	}
	return list, nil
}
