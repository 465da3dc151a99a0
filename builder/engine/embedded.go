package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/defaults"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/moby/buildkit/worker"
	"github.com/moby/buildkit/worker/base"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Options say where an embedded engine keeps its state and what it runs with.
type Options struct {
	// Dir is where BuildKit keeps snapshots and caches. The caller holds the
	// lock of the state directory that it belongs to.
	Dir string
	// Builder is where the steps run.
	Builder Builder
	// Definitions are what will be built: a builder that cannot is refused.
	Definitions []*llb.Definition
	// Fresh builds all again, whatever the engine has in its cache.
	Fresh bool
	// Layouts are the OCI layout directories that a build may read, by the
	// store name that its LLB uses.
	Layouts map[string]string
	// Steps is how many steps run at once; 0 means as many as there are cores.
	Steps int
	// MaxCache bounds the disk space of the build cache, in bytes; 0 means
	// DefaultMaxCache.
	MaxCache int64
	// Note, when set, is told what a build has to do without on this host.
	Note func(string)
	// KeepGoing builds all it can when a job failed, and tells every failure.
	KeepGoing bool
}

// DefaultMaxCache is room for the toolchain and some generations of packages.
// BuildKit's own default is a share of the disk, which on a small one makes a
// build of forty packages forget its own steps.
const DefaultMaxCache = 40 << 30

const (
	snapshotter = "overlayfs"
	cacheFile   = "cache.db" // below Options.Dir: which step has which result
)

// embedded starts BuildKit's solver inside this process, which may have only one at a
// time. Its log is the file log in o.Dir.
func embedded(ctx context.Context, o Options) (*BuildKit, error) {
	if err := Check(ctx, o); err != nil {
		return nil, err
	}
	o.Steps = cmp.Or(o.Steps, runtime.NumCPU())
	if err := Sweep(ctx, o.Builder, o.Dir); err != nil {
		return nil, fmt.Errorf("cleaning up after an earlier run: %w", err)
	}
	if o.Builder.inContainerd() {
		if err := prepareContainerd(ctx, o); err != nil {
			return nil, err
		}
	}
	about, err := aboutHost(ctx, o.Builder, o.Dir)
	if err != nil {
		return nil, err
	}
	p, err := divert(o.Dir)
	if err != nil {
		return nil, err
	}
	e, err := start(ctx, o)
	if err != nil {
		return nil, errors.Join(err, p.restore())
	}
	e.closers = append(e.closers, p.restore)
	e.about, e.builder, e.keepGoing, e.fresh = about, o.Builder, o.KeepGoing, o.Fresh
	e.jobs = 2 * o.Steps // one runs while the next asks
	return e, nil
}

func start(ctx context.Context, o Options) (*BuildKit, error) {
	stores, err := openStores(o.Layouts)
	if err != nil {
		return nil, err
	}
	cgroup, closeLimits := o.limit()
	w, disk, closeWorker, err := newWorker(ctx, o, cgroup)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting BuildKit in %s: %w", o.Dir, err), closeLimits())
	}
	controller, err := newController(ctx, o, w)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting BuildKit in %s: %w", o.Dir, err), w.Close(), closeWorker(), closeLimits())
	}
	e, err := serve(ctx, controller, stores)
	if err != nil {
		return nil, errors.Join(err, closeWorker(), closeLimits())
	}
	e.disk = disk
	e.closers = append(e.closers, closeWorker, closeLimits)
	return e, nil
}

// CheckHost says what this host lacks to run build steps with their state in
// dir, which it creates.
func CheckHost(dir string) error {
	if os.Geteuid() != 0 {
		return errors.New("building needs root rights: overlay mounts and runc do; run it as root")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating build directory: %w", err)
	}
	if err := overlayutils.Supported(dir); err != nil {
		return fmt.Errorf("%s cannot hold overlayfs (%w): name a directory on a local file system with --state", dir, err)
	}
	return nil
}

// serve connects a client to the controller over memory.
func serve(ctx context.Context, controller *control.Controller, stores map[string]content.Store) (*BuildKit, error) {
	listener := bufconn.Listen(1 << 20)
	// With the interceptors, errors keep their types on the way to the client.
	server := grpc.NewServer(
		grpc.UnaryInterceptor(grpcerrors.UnaryServerInterceptor),
		grpc.StreamInterceptor(grpcerrors.StreamServerInterceptor),
		grpc.MaxRecvMsgSize(defaults.DefaultMaxRecvMsgSize),
		grpc.MaxSendMsgSize(defaults.DefaultMaxSendMsgSize))
	controller.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop := func() error {
		server.Stop()
		return errors.Join(<-served, controller.Close())
	}
	c, err := client.New(ctx, "passthrough:///embedded",
		client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		client.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return &BuildKit{client: c, stores: stores, closers: []func() error{c.Close, stop}}, nil
}

// newController wires the solver, its caches and one worker.
func newController(ctx context.Context, o Options, w *base.Worker) (*control.Controller, error) {
	workers := &worker.Controller{}
	if err := workers.Add(pruneNoter{w, o.Dir}); err != nil {
		return nil, err
	}
	sessions, err := session.NewManager()
	if err != nil {
		return nil, err
	}
	if err := noteNewCache(o.Dir); err != nil {
		return nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(o.Dir, cacheFile))
	if err != nil {
		return nil, err
	}
	history, err := boltutil.SafeOpen(filepath.Join(o.Dir, "history.db"), 0o600, nil)
	if err != nil {
		return nil, err
	}
	return control.NewController(control.Opt{
		SessionManager:   sessions,
		WorkerController: workers,
		CacheManager:     solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(workers)),
		HistoryDB:        history,
		HistoryConfig:    &config.HistoryConfig{MaxEntries: new(int64)},
		CacheStore:       cache,
		LeaseManager:     w.LeaseManager(),
		ContentStore:     w.ContentStore(),
		GarbageCollect:   w.GarbageCollect,
		GracefulStop:     ctx.Done(),
	})
}
