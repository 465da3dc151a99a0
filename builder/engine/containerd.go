package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/containerd"
	"golang.org/x/sync/semaphore"
)

const snapshotterPlugin = "io.containerd.snapshotter.v1"

const (
	containerdTimeout  = 10 * time.Second // that a containerd may take to answer
	containerdInterval = 2 * time.Second  // at which it is asked during a build
)

func (b Builder) socket() string { return b.URL[len("containerd://"):] }

// newContainerdWorker makes a worker whose steps and snapshots live in the host's
// containerd, in a namespace that belongs to o.Dir.
func newContainerdWorker(o Options, cgroup string) (*base.WorkerOpt, error) {
	opt, err := containerd.NewWorkerOpt(containerd.WorkerOptions{
		Root: o.Dir, Address: o.Builder.socket(), Namespace: ownName(o.Dir), SnapshotterName: snapshotter,
		CgroupParent: cgroup, NetworkOpt: netproviders.Opt{Mode: "host"},
		ParallelismSem: semaphore.NewWeighted(int64(o.Steps)),
	})
	return &opt, err
}

// inContainerd calls f with a client in the namespace of dir.
func inContainerd(ctx context.Context, b Builder, dir string, f func(context.Context, *client.Client) error) (err error) {
	// The client would wait for a socket to appear.
	if _, err := os.Stat(b.socket()); err != nil {
		return b.silent(err)
	}
	c, err := client.New(b.socket())
	if err != nil {
		return b.silent(err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	asked, cancel := context.WithTimeout(ctx, containerdTimeout)
	defer cancel()
	if _, err := c.Version(asked); err != nil {
		return b.silent(err)
	}
	return f(namespaces.WithNamespace(ctx, ownName(dir)), c)
}

func (b Builder) silent(err error) error {
	return fmt.Errorf("%s does not answer (%w): is containerd running, and may you speak to it?", b, err)
}

// checkContainerd says what keeps the host's containerd from running steps.
func checkContainerd(ctx context.Context, o Options) error {
	if os.Geteuid() != 0 {
		return errors.New("building needs root rights: the steps' file systems are mounted by rootbuild itself; run it as root, or name a buildkitd with --builder")
	}
	_, err := containerdRoot(ctx, o)
	return err
}

// containerdRoot is the directory of containerd's snapshots.
func containerdRoot(ctx context.Context, o Options) (dir string, err error) {
	err = inContainerd(ctx, o.Builder, o.Dir, func(ctx context.Context, c *client.Client) error {
		found, err := c.IntrospectionService().Plugins(ctx, "type=="+snapshotterPlugin+",id=="+snapshotter)
		switch {
		case err != nil:
			return fmt.Errorf("asking %s for its snapshotters: %w", o.Builder, err)
		case len(found.Plugins) == 0:
			return fmt.Errorf("%s has no snapshotter %s: enable that plugin in its configuration", o.Builder, snapshotter)
		case found.Plugins[0].InitErr != nil:
			return fmt.Errorf("%s cannot use its snapshotter %s (%s): have its root on a local file system", o.Builder, snapshotter, found.Plugins[0].InitErr.Message)
		}
		dir = found.Plugins[0].Exports["root"]
		return nil
	})
	return dir, err
}

// prepareContainerd makes the namespace of o.Dir. One whose directory is new is that of
// a state that was removed: nothing can use what is in it.
func prepareContainerd(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("creating build directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, cacheFile)); errors.Is(err, fs.ErrNotExist) {
		if err := discardContainerd(ctx, o.Builder, o.Dir); err != nil {
			return err
		}
	}
	return inContainerd(ctx, o.Builder, o.Dir, func(ctx context.Context, c *client.Client) error {
		err := c.NamespaceService().Create(ctx, ownName(o.Dir), map[string]string{"rootbuild.state": o.Dir})
		if errdefs.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

// sweepContainerd removes the containers of a killed run, and its mounts.
func sweepContainerd(ctx context.Context, b Builder, dir string) error {
	err := inContainerd(ctx, b, dir, func(ctx context.Context, c *client.Client) error {
		containers, err := c.Containers(ctx)
		if err != nil {
			return fmt.Errorf("listing the containers of %s: %w", b, err)
		}
		var errs []error
		for _, container := range containers {
			errs = append(errs, removeContainer(ctx, container))
		}
		return errors.Join(errs...)
	})
	// What is still mounted below must not be removed: it is the cache itself.
	if err := errors.Join(err, unmountBelow(dir)); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(filepath.Join(dir, "containerd-"+snapshotter, "executor")), os.RemoveAll(mountDir(dir)))
}

// removeContainer ends what runs in a container. The process that watches over it may
// go away meanwhile, as it does after a restart of containerd: then it is asked again.
func removeContainer(ctx context.Context, c client.Container) error {
	var err error
	for range 3 {
		if err = endTask(ctx, c); err == nil {
			break
		}
	}
	if err == nil {
		err = c.Delete(ctx)
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing container %s: %w", c.ID(), err)
	}
	return nil
}

func endTask(ctx context.Context, c client.Container) error {
	task, err := c.Task(ctx, nil)
	if err == nil {
		_, err = task.Delete(ctx, client.WithProcessKill)
	}
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// discardContainerd removes the namespace of dir with all that is in it.
func discardContainerd(ctx context.Context, b Builder, dir string) error {
	if err := sweepContainerd(ctx, b, dir); err != nil {
		return err
	}
	return inContainerd(ctx, b, dir, func(ctx context.Context, c *client.Client) error {
		err := errors.Join(removeLeases(ctx, c.LeasesService()),
			removeSnapshots(ctx, c.SnapshotService(snapshotter)), removeContent(ctx, c.ContentStore()))
		if err != nil {
			return fmt.Errorf("emptying the namespace %s of %s: %w", ownName(dir), b, err)
		}
		if err := c.NamespaceService().Delete(ctx, ownName(dir)); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("removing the namespace %s of %s: %w", ownName(dir), b, err)
		}
		return nil
	})
}

func removeLeases(ctx context.Context, m leases.Manager) error {
	list, err := m.List(ctx)
	if err != nil {
		return err
	}
	for i, l := range list {
		var options []leases.DeleteOpt
		if i == len(list)-1 {
			options = append(options, leases.SynchronousDelete) // and all that none holds
		}
		if err := m.Delete(ctx, l, options...); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// removeSnapshots removes what the collection left, children first.
func removeSnapshots(ctx context.Context, s snapshots.Snapshotter) error {
	for {
		var names []string
		if err := s.Walk(ctx, func(_ context.Context, i snapshots.Info) error {
			names = append(names, i.Name)
			return nil
		}); err != nil || len(names) == 0 {
			return err
		}
		removed := 0
		var failed error
		for _, name := range names {
			if err := s.Remove(ctx, name); err == nil || errdefs.IsNotFound(err) {
				removed++
			} else {
				failed = err
			}
		}
		if removed == 0 {
			return failed
		}
	}
}

func removeContent(ctx context.Context, s content.Store) error {
	return s.Walk(ctx, func(i content.Info) error {
		if err := s.Delete(ctx, i.Digest); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
		return nil
	})
}
