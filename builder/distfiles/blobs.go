package distfiles

import "context"

// Blobs is a place that has sources by their checksum alone, as a registry does.
type Blobs struct {
	Name string // as messages show it
	// Bring puts the blob with that sha256 where Store.Path says, once its bytes
	// were verified. report, which may be called at any time before Bring returns,
	// is told how many bytes of how many are here.
	Bring func(ctx context.Context, sha256 string, report func(done, total int64)) error
}

func (f *fetcher) atBlobs(b Blobs, sum string) place {
	p := place{where: b.Name, bring: func(ctx context.Context, report reporter) error {
		return b.Bring(ctx, sum, report)
	}}
	if f.opts.Offline {
		p.refused = errOffline
	}
	return p
}
