package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/errdefs"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/network"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/runc"
	"golang.org/x/sync/semaphore"
)

// newWorker makes the runc worker: overlayfs only, because BuildKit's other
// choice copies the whole parent for every step, and no network in any step.
// The worker closes all but its snapshotter, whose database would stay locked;
// the function that newWorker returns does that.
func newWorker(ctx context.Context, o Options, cgroup string) (*base.Worker, func() error, error) {
	closeSnapshots := func() error { return nil }
	factory := runc.SnapshotterFactory{Name: snapshotter, New: func(root string) (snapshots.Snapshotter, error) {
		s, err := overlay.NewSnapshotter(root, overlay.AsynchronousRemove)
		if err != nil {
			return nil, err
		}
		closeSnapshots = s.Close
		return s, removeOrphans(ctx, s, root)
	}}
	opt, err := runc.NewWorkerOpt(o.Dir, factory, false, oci.ProcessSandbox, nil, nil,
		netproviders.Opt{Mode: "host"}, nil, o.Runc, "", false, semaphore.NewWeighted(int64(o.Steps)), "", cgroup, nil)
	if err != nil {
		return nil, nil, errors.Join(err, closeSnapshots())
	}
	none := network.NewNoneProvider()
	opt.NetworkProviders = map[pb.NetMode]network.Provider{pb.NetMode_UNSET: none, pb.NetMode_NONE: none}
	opt.RegistryHosts = docker.ConfigureDefaultRegistries()
	opt.GCPolicy = gcPolicy(o.MaxCache)
	w, err := base.NewWorker(ctx, opt)
	if err != nil {
		return nil, nil, errors.Join(err, closeSnapshots())
	}
	return w, closeSnapshots, nil
}

// removeOrphans removes the directories that a killed run made in root and did
// not record. The next snapshots would get their numbers, and fail on them.
func removeOrphans(ctx context.Context, s snapshots.Snapshotter, root string) error {
	cleaner, ok := s.(snapshots.Cleaner)
	if !ok {
		return errors.New("internal error: the snapshotter has no Cleanup")
	}
	err := cleaner.Cleanup(ctx)
	if !errdefs.IsNotFound(err) {
		return err
	}
	// No snapshot was ever recorded.
	dir := filepath.Join(root, "snapshots")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Mkdir(dir, 0o700)
}

func gcPolicy(maxCache int64) []client.PruneInfo {
	if maxCache == 0 {
		maxCache = DefaultMaxCache
	}
	return []client.PruneInfo{{All: true, MaxUsedSpace: maxCache}}
}
