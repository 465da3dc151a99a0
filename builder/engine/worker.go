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

// newWorker makes the worker that runs the steps, with no network in any. It says
// which disk they fill. The worker closes all but its snapshotter, whose database would
// stay locked; the function that newWorker returns does that.
func newWorker(ctx context.Context, o Options, cgroup string) (w *base.Worker, disk string, closeRest func() error, err error) {
	var opt *base.WorkerOpt
	disk, closeRest = o.Dir, func() error { return nil }
	if o.Builder.inContainerd() {
		if disk, err = containerdRoot(ctx, o); err == nil {
			opt, err = newContainerdWorker(o, cgroup)
		}
	} else {
		opt, closeRest, err = newRuncWorker(ctx, o, cgroup)
	}
	if err != nil {
		return nil, "", nil, err
	}
	none := network.NewNoneProvider()
	opt.NetworkProviders = map[pb.NetMode]network.Provider{pb.NetMode_UNSET: none, pb.NetMode_NONE: none}
	opt.RegistryHosts = docker.ConfigureDefaultRegistries()
	opt.GCPolicy = gcPolicy(o.MaxCache)
	if w, err = base.NewWorker(ctx, *opt); err != nil {
		return nil, "", nil, errors.Join(err, closeRest())
	}
	return w, disk, closeRest, nil
}

// newRuncWorker has overlayfs only, because BuildKit's other choice copies the whole
// parent for every step.
func newRuncWorker(ctx context.Context, o Options, cgroup string) (*base.WorkerOpt, func() error, error) {
	path, err := FindRunc(ctx, o.Builder.Runc)
	if err != nil {
		return nil, nil, err
	}
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
		netproviders.Opt{Mode: "host"}, nil, path, "", false, semaphore.NewWeighted(int64(o.Steps)), "", cgroup, nil)
	if err != nil {
		return nil, nil, errors.Join(err, closeSnapshots())
	}
	return &opt, closeSnapshots, nil
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
