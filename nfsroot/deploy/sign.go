package deploy

import (
	"context"
	"time"

	"github.com/rootbuild/rootbuild/images/trust"
)

// Sign signs the image for a repository, unless the key did so before.
func (i Image) Sign(ctx context.Context, key *trust.PrivateKey, repository string) error {
	public, err := key.Public()
	if err != nil {
		return err
	}
	signed, err := public.Signed(ctx, i.Layout, i.Digest, repository)
	if err != nil || signed {
		return err
	}
	return trust.Sign(i.Layout, i.Digest, trust.SignOptions{Key: key, Repository: repository, Serial: uint64(time.Now().Unix())})
}
