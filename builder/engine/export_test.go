package engine

import (
	"context"

	"github.com/moby/buildkit/client"
)

// Prune drops what BuildKit's own collection would, which first runs after a
// minute.
func (e *BuildKit) Prune(ctx context.Context) error { return e.client.Prune(ctx, nil, client.PruneAll) }

// CheckWorker is checkWorker.
var CheckWorker = checkWorker
