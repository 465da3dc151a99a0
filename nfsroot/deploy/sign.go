package deploy

import (
	"context"
	"time"

	"github.com/rootbuild/rootbuild/images/trust"
)

// Sign signs the image now, for the repository that o names, unless the key did so
// before.
func (i Image) Sign(ctx context.Context, o trust.SignOptions) error {
	o.Serial = uint64(time.Now().Unix())
	return trust.SignOnce(ctx, i.Layout, i.Digest, o)
}
