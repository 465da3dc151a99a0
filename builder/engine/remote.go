package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/platforms"
	"github.com/google/renameio/v2"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/executor/oci"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/apicaps"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/moby/buildkit/worker/label"
	"google.golang.org/grpc/codes"
)

const (
	// dialTimeout is how long a buildkitd may take to say what it is.
	dialTimeout = 30 * time.Second
	// remoteSteps is how many steps are asked of a builder at once, whose cores we
	// do not know.
	remoteSteps = 4
	workerFile  = "worker" // below Options.Dir: whose cache the records are of
)

// keepAlive finds out within a minute that a builder was cut off.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}

// connect has the buildkitd at o.Builder build.
func connect(ctx context.Context, o Options) (*BuildKit, error) {
	c, worker, err := dial(ctx, o)
	if err != nil {
		return nil, err
	}
	p, err := divert(o.Dir)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	stores, err := openStores(o.Layouts)
	e := &BuildKit{
		client: c, stores: stores, about: aboutWorker(worker), builder: o.Builder, keepGoing: o.KeepGoing, fresh: o.Fresh,
		jobs: 2 * cmp.Or(o.Steps, remoteSteps), closers: []func() error{c.Close, p.restore},
	}
	if err := errors.Join(err, noteWorker(o.Dir, worker.ID)); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// dial reaches the buildkitd at o.Builder, and refuses one that cannot build
// o.Definitions. It returns the worker that will build.
func dial(ctx context.Context, o Options) (*client.Client, *client.WorkerInfo, error) {
	c, err := client.New(ctx, o.Builder.URL, o.Builder.clientOptions()...)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.Builder, err)
	}
	worker, err := examine(ctx, c, o.Definitions)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", o.Builder, err), c.Close())
	}
	return c, worker, nil
}

func (b Builder) clientOptions() []client.ClientOpt {
	u, err := url.Parse(b.URL)
	if err != nil || u.Scheme != "tcp" {
		return nil
	}
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	options := []client.ClientOpt{client.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", address)
	})}
	if b.TLS == "" {
		return options
	}
	return append(options,
		client.WithServerConfig(u.Hostname(), filepath.Join(b.TLS, tlsCA)),
		client.WithCredentials(filepath.Join(b.TLS, tlsCert), filepath.Join(b.TLS, tlsKey)))
}

// examine refuses a builder that cannot build, or only with what nobody wants.
func examine(ctx context.Context, c *client.Client, definitions []*llb.Definition) (*client.WorkerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("it does not answer (%w): is buildkitd running there, and may you speak to it?", err)
	}
	if len(workers) == 0 {
		return nil, errors.New("its buildkitd has no worker: see its log")
	}
	worker := workers[0] // the one that builds
	if err := checkWorker(worker); err != nil {
		return nil, err
	}
	missing, err := missing(ctx, c, definitions)
	if err != nil {
		return nil, fmt.Errorf("asking what it can do: %w", err)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("its buildkitd is too old (%s), it has no %s: use v0.34.2, by which rootbuild was tested, or a later one",
			cmp.Or(worker.BuildkitVersion.Version, "of unknown version"), strings.Join(missing, ", "))
	}
	return worker, nil
}

// checkWorker refuses one that copies whole trees, or that runs other programs than the
// base holds.
func checkWorker(w *client.WorkerInfo) error {
	if w.Labels[label.Snapshotter] == "native" {
		return errors.New("its snapshotter is native, which copies everything for every step: have its state on a file system with overlayfs, or start it with --oci-worker-snapshotter=fuse-overlayfs")
	}
	if w.Labels[label.OCIProcessMode] == oci.NoProcessSandbox.String() {
		return errors.New("it is rootless (it has no sandbox of processes), and such a BuildKit drops mounts whose path begins with /sys, the sysroot among them: name one that runs as root")
	}
	own := platforms.DefaultSpec()
	if len(w.Platforms) == 0 || platforms.Format(w.Platforms[0]) == platforms.Format(own) {
		return nil
	}
	theirs := w.Platforms[0]
	if theirs.OS == own.OS && theirs.Architecture == own.Architecture {
		return nil
	}
	return fmt.Errorf("it runs %s, and the base that steps run in is of %s: name a builder of that platform", platforms.Format(theirs), platforms.Format(own))
}

// missing are the capabilities that definitions want and that the builder lacks, sorted.
func missing(ctx context.Context, c *client.Client, definitions []*llb.Definition) ([]string, error) {
	var missing []string
	look := func(_ context.Context, g gateway.Client) (*gateway.Result, error) {
		caps := g.BuildOpts().LLBCaps
		for wanted := range capabilities(definitions) {
			if caps.Supports(wanted) != nil {
				missing = append(missing, string(wanted))
			}
		}
		return gateway.NewResult(), nil
	}
	_, err := c.Build(ctx, client.SolveOpt{Internal: true}, "rootbuild", look, nil)
	slices.Sort(missing)
	return missing, err
}

func capabilities(definitions []*llb.Definition) map[apicaps.CapID]bool {
	all := map[apicaps.CapID]bool{}
	for _, def := range definitions {
		for _, step := range def.Metadata {
			for id := range step.Caps {
				all[id] = true
			}
		}
	}
	return all
}

// noteWorker keeps in dir which worker's cache the records are of. Another one has
// nothing of it.
func noteWorker(dir, id string) error {
	file := filepath.Join(dir, workerFile)
	if known, err := os.ReadFile(file); err == nil && string(known) == id {
		return nil
	}
	if err := notePruned(dir); err != nil {
		return err
	}
	return renameio.WriteFile(file, []byte(id), 0o600)
}

// LostError says that a builder went away in the middle of a build.
type LostError struct {
	// Builder names it.
	Builder string
	// Steps are those that it ran, by their names in the display.
	Steps []string
	// Err is the first error of the connection.
	Err error
}

// Error says what becomes of the work that was done.
func (e *LostError) Error() string {
	during := ""
	if len(e.Steps) > 0 {
		during = " while it ran " + strings.Join(e.Steps, ", ")
	}
	return fmt.Sprintf("%s was lost%s (%v): it keeps what it finished; when it runs again, the same command goes on from there", e.Builder, during, e.Err)
}

// Unwrap returns the error of the connection.
func (e *LostError) Unwrap() error { return e.Err }

// lost returns a *LostError for errors of a builder that does not answer any more, or
// that answers again but was away.
func (e *BuildKit) lost(ctx context.Context, err error, steps *stepLog) error {
	var gone *LostError
	if errors.As(context.Cause(ctx), &gone) {
		return &LostError{Builder: e.builder.String(), Steps: steps.names(), Err: gone.Err}
	}
	if err == nil || ctx.Err() != nil || e.builder.URL == "" {
		return nil
	}
	cause := err
	if grpcerrors.Code(err) != codes.Unavailable {
		if cause = e.ping(ctx); cause == nil {
			return nil
		}
	}
	return &LostError{Builder: e.builder.String(), Steps: steps.names(), Err: cause}
}

// ping asks whether the builder is there.
func (e *BuildKit) ping(ctx context.Context) error {
	if e.builder.inContainerd() {
		return inContainerd(ctx, e.builder, "", func(context.Context, *containerd.Client) error { return nil })
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, err := e.client.ListWorkers(ctx)
	return err
}

// withoutCache has every step of a definition done, whatever the builder remembers.
func withoutCache(def *llb.Definition) *llb.Definition {
	again := *def
	again.Metadata = maps.Clone(def.Metadata)
	for step, m := range again.Metadata {
		m.IgnoreCache = true
		again.Metadata[step] = m
	}
	return &again
}
