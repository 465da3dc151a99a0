package builder

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// built is the record of the last build of a target that made its image.
type built struct {
	Image     string // digest
	Previous  string `json:",omitempty"` // that of another image, which the target had before
	Base      string `json:",omitempty"` // none where all was taken from elsewhere
	Rootbuild string // the program that built, as the blueprint names it
	Started   time.Time
	Completed time.Time
	Run       time.Time // that of its steps
}

// kindBuilt are records by target.
const kindBuilt = "builds"

// begin notes when a build begins, and which image the target has till then.
func (b build) begin() (built, error) {
	made := built{Rootbuild: b.options.maker(), Started: time.Now().UTC(), Run: b.state.opened}
	before, found, err := b.layout.Named(b.graph.Target.Name)
	if found {
		made.Previous = before.String()
	}
	return made, err
}

// end records a build. One that made the image anew leaves the one before it the
// previous one.
func (b build) end(made built, image, base v1.Hash) error {
	made.Image, made.Completed = image.String(), time.Now().UTC()
	if base != (v1.Hash{}) {
		made.Base = base.String()
	}
	if made.Previous == made.Image {
		var last built
		known, err := b.state.Kept(kindBuilt, b.graph.Target.Name, &last)
		if err != nil {
			return err
		}
		made.Previous = ""
		if known && last.Image == made.Image {
			made.Previous = last.Previous
		}
	}
	return b.state.Keep(kindBuilt, b.graph.Target.Name, made)
}
