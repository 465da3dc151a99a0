package registry

import (
	"context"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Pulled is an image that Pull brought into a layout.
type Pulled struct {
	oci.Taken
	// Verdict says who vouches for the image.
	Verdict trust.Verdict
}

// WriteText tells a person how much moved, and who vouches for the image.
func (p Pulled) WriteText(w io.Writer) {
	fmt.Fprintf(w, "%d blobs moved, %.1f MiB; the image has %.1f MiB\n", p.Blobs, float64(p.Bytes)/(1<<20), float64(p.Size)/(1<<20))
	if p.Left > 0 {
		fmt.Fprintf(w, "%d attachments were left: it has too many\n", p.Left)
	}
	if len(p.Verdict.Signed) > 0 {
		fmt.Fprintf(w, "signed by %s\n", strings.Join(p.Verdict.Signed, ", "))
	}
}

// Pull brings the image for linux/amd64 that a reference names into a layout; the
// reference may be that of another layout. Only blobs that the layout lacks move,
// several at once. Each is checked while it comes and gets its name when its bytes
// are all there; what a break leaves of one is where the next Pull goes on. The
// image is in the layout's index only when it is whole. Of what is attached to it
// the types that are known here come along. Nothing but these, the manifest and the
// config moves, and the image does not come into the index, unless the policy lets
// it through.
func Pull(ctx context.Context, to *oci.Layout, from oci.Reference, p trust.Policy, o Options) (Pulled, error) {
	pulled, err := pull(ctx, to, from, p, o)
	if err != nil {
		return Pulled{}, fmt.Errorf("pulling %s: %w", from, err)
	}
	return pulled, nil
}

func pull(ctx context.Context, to *oci.Layout, from oci.Reference, p trust.Policy, o Options) (pulled Pulled, err error) {
	if err := sweepParts(to); err != nil {
		return Pulled{}, err
	}
	err = o.open(ctx, from, func(s oci.Source) error {
		pulled.Taken, err = to.Take(ctx, s, func(image v1.Hash, attached []oci.Artifact) (more []oci.Attachment, err error) {
			pulled.Verdict, more, err = p.Admit(ctx, to, s, image, attached)
			return more, err
		})
		return err
	})
	return pulled, err
}
