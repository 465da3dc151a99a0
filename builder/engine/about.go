package engine

import (
	"cmp"
	"context"
	"runtime/debug"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
)

// About is what an engine says that it is.
type About struct {
	// Kind is embedded, containerd or buildkitd.
	Kind string
	// Version is that of the daemon; empty where there is none.
	Version string
	// Platform is what steps run on, such as linux/amd64.
	Platform string
}

// The kinds of engines.
const (
	kindEmbedded   = "embedded"
	kindContainerd = "containerd"
	kindBuildkitd  = "buildkitd"
)

// About says what runs the steps.
func (e *BuildKit) About() About { return e.about }

// aboutHost is of an engine in this process.
func aboutHost(ctx context.Context, b Builder, dir string) (About, error) {
	about := About{Kind: kindEmbedded, Platform: platforms.Format(platforms.DefaultSpec())}
	if !b.inContainerd() {
		return about, nil
	}
	about.Kind = kindContainerd
	err := inContainerd(ctx, b, dir, func(ctx context.Context, c *containerd.Client) error {
		v, err := c.Version(ctx)
		about.Version = v.Version
		return err
	})
	return about, err
}

// aboutWorker is of the worker of a buildkitd.
func aboutWorker(w *client.WorkerInfo) About {
	platform := platforms.DefaultSpec() // others were refused
	if len(w.Platforms) > 0 {
		platform = w.Platforms[0]
	}
	return About{Kind: kindBuildkitd, Version: cmp.Or(w.BuildkitVersion.Version, unknownVersion), Platform: platforms.Format(platform)}
}

const unknownVersion = "(unknown)"

// Version is that of the BuildKit in this program.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/moby/buildkit" {
			return m.Version
		}
	}
	return unknownVersion
}
