package builder

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/builder/records"
	"github.com/rootbuild/rootbuild/builder/state"
)

// begin notes when a build begins, and which image the target has till then.
func (b build) begin() (records.Built, error) {
	made := records.Built{Rootbuild: b.options.maker(), Started: time.Now().UTC(), Run: b.state.Opened()}
	before, found, err := b.layout.Named(b.graph.Target.Name)
	if found {
		made.Previous = before.String()
	}
	return made, err
}

// end records a build. One that made the image anew leaves the one before it the
// previous one.
func (b build) end(made records.Built, image, base v1.Hash) error {
	made.Image, made.Completed = image.String(), time.Now().UTC()
	if base != (v1.Hash{}) {
		made.Base = base.String()
	}
	if made.Previous == made.Image {
		var last records.Built
		known, err := b.state.Kept(state.KindBuilt, b.graph.Target.Name, &last)
		if err != nil {
			return err
		}
		made.Previous = ""
		if known && last.Image == made.Image {
			made.Previous = last.Previous
		}
	}
	return b.state.Keep(state.KindBuilt, b.graph.Target.Name, made)
}
