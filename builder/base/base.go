// Package base makes the image in which builds run: Debian with the host tools that
// recipes call, bootstrapped once with mmdebstrap from the host's own apt configuration.
package base

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/oci"
)

// epoch is the time of every file in a base, the release day of DefaultSuite: past for
// every clock, and after 1980, where zip's times begin.
var epoch = time.Date(2025, 8, 9, 0, 0, 0, 0, time.UTC)

// Options say what a base is made of. The zero value is the default base.
type Options struct {
	// Suite is the Debian release. The default is DefaultSuite.
	Suite string
	// Mirror is the URL of a Debian archive, or a line of sources.list that begins with
	// "deb ". The default is the archive that the host's apt is configured for.
	Mirror string
	// Packages are the Debian packages to install. The default is HostTools.
	Packages []string
	// TempDir holds the unpacked base, 700 MB by default, while it is made. The default
	// is /var/tmp: /tmp is often in memory.
	TempDir string
	// Log receives the log of mmdebstrap. The default drops it; errors quote its end.
	Log io.Writer
}

func (o Options) withDefaults() Options {
	if o.Suite == "" {
		o.Suite = DefaultSuite
	}
	if len(o.Packages) == 0 {
		o.Packages = HostTools
	}
	if o.TempDir == "" {
		o.TempDir = "/var/tmp"
	}
	return o
}

// ref names the base of o in a layout's index. It covers what o asks for and what this
// package does, but not the archive, neither which one nor its state: a base stays until
// it is removed.
func (o Options) ref() string {
	asked := bootstrap{suite: o.Suite, packages: o.Packages}
	sum := sha256.Sum256([]byte(strings.Join(append(asked.args(), epoch.String()), "\x00")))
	return "base-" + o.Suite + "-" + hex.EncodeToString(sum[:6])
}

// Check says what this host lacks to bootstrap a base, each with its remedy.
func Check() error {
	var missing []error
	if _, err := exec.LookPath("apt-get"); err != nil {
		missing = append(missing, errors.New("apt-get is not there: a base is bootstrapped on Debian and its kin only; on others name an image with --base REF"))
	} else if _, err := exec.LookPath("mmdebstrap"); err != nil {
		missing = append(missing, errors.New("mmdebstrap is not installed: run apt-get install mmdebstrap, or name an image with --base REF"))
	}
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("only root may bootstrap a base: run as root, or name an image with --base REF"))
	}
	return errors.Join(missing...)
}

// Bootstrap makes the base of o, writes it to layout as an image of one layer, and
// returns the digest of its manifest. It needs root. The same options and the same state
// of the archive give the same digest on every host. When it fails or ctx ends, no
// process, mount or file of it is left.
func Bootstrap(ctx context.Context, layout *oci.Layout, o Options) (v1.Hash, error) {
	h, err := o.withDefaults().run(ctx, layout)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("bootstrapping the base: %w", err)
	}
	return h, nil
}

func (o Options) run(ctx context.Context, layout *oci.Layout) (v1.Hash, error) {
	if err := Check(); err != nil {
		return v1.Hash{}, err
	}
	b, err := o.bootstrap(ctx)
	if err != nil {
		return v1.Hash{}, err
	}
	layer, err := o.writeLayer(ctx, layout, b)
	if err != nil {
		return v1.Hash{}, err
	}
	return layout.WriteImage(oci.ImageOptions{
		Layers:   []oci.LayerRef{layer.Ref("mmdebstrap " + o.Suite)},
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Epoch:    epoch,
		Ref:      o.ref(),
	})
}

// bootstrap fills in what o leaves to the host's apt configuration.
func (o Options) bootstrap(ctx context.Context) (bootstrap, error) {
	b := bootstrap{suite: o.Suite, mirror: o.Mirror, packages: o.Packages}
	var err error
	if b.mirror == "" {
		if b.mirror, err = hostMirror(ctx, o.Suite); err != nil {
			return bootstrap{}, err
		}
	}
	b.aptOptions, err = hostAptOptions(ctx)
	return b, err
}

func (o Options) writeLayer(ctx context.Context, layout *oci.Layout, b bootstrap) (layer oci.Layer, err error) {
	dir, err := os.MkdirTemp(o.TempDir, "rootbuild-base-")
	if err != nil {
		return oci.Layer{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// apt fetches as a user of its own, who has to get through.
	if err := os.Chmod(dir, 0o711); err != nil {
		return oci.Layer{}, err
	}

	// The death signal below is sent when the thread ends that started mmdebstrap
	// (golang/go#27505): keep it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := b.start(ctx, dir, o.Log)
	if err != nil {
		return oci.Layer{}, err
	}
	layer, err = layout.WriteLayer(ctx, out, oci.LayerOptions{Epoch: epoch})
	err = errors.Join(err, out.Close())
	if err != nil && ctx.Err() != nil {
		// What a killed mmdebstrap logged last is not the cause.
		return oci.Layer{}, ctx.Err()
	}
	return layer, err
}
