package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	// The ways to a buildkitd that go through another program.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
)

// Builder is where steps run and how it is reached. The zero value is the BuildKit in
// this process, with the runc that is found.
type Builder struct {
	// URL names it, as Schemes says; "" is the BuildKit in this process.
	URL string
	// TLS is the directory of ca.pem, cert.pem and key.pem, by which a tcp:// builder
	// and its client know each other.
	TLS string
	// Insecure speaks to a tcp:// builder of another host without TLS.
	Insecure bool
	// Runc is what runs the steps in this process, as FindRunc takes it.
	Runc string
}

// Schemes are the forms of a builder's URL, for help texts.
const Schemes = "containerd://SOCKET, unix://SOCKET, tcp://HOST:PORT, ssh://[USER@]HOST, docker-container://NAME, podman-container://NAME, kube-pod://NAME"

var helperSchemes = []string{"ssh", "docker-container", "podman-container", "kube-pod"}

// String names the builder in a text.
func (b Builder) String() string {
	if b.URL == "" {
		return "the embedded BuildKit"
	}
	return "builder " + b.URL
}

// Dir names the directory, below that of a state, of what is kept for the builder. No
// two builders share one.
func (b Builder) Dir() string {
	if b.URL == "" {
		return "buildkit"
	}
	return filepath.Join("builders", fmt.Sprintf("%x", sha256.Sum256([]byte(b.URL)))[:12])
}

// Remote says that the builder is a buildkitd, which has its cache for itself.
func (b Builder) Remote() bool { return b.URL != "" && !b.inContainerd() }

func (b Builder) inContainerd() bool { return strings.HasPrefix(b.URL, "containerd:") }

// Validate refuses builders, before anything is done: what names none, and several that
// cannot share a build.
func Validate(list []Builder) error {
	var errs []error
	seen := map[string]bool{}
	for _, b := range list {
		errs = append(errs, b.Validate())
		if len(list) == 1 {
			break
		}
		if !b.Remote() {
			errs = append(errs, fmt.Errorf("%s runs steps by way of this process, and is no one of several: name one buildkitd or more", b))
		}
		if seen[b.URL] {
			errs = append(errs, fmt.Errorf("%s is named twice", b))
		}
		seen[b.URL] = true
	}
	return errors.Join(errs...)
}

// Validate refuses what names no builder.
func (b Builder) Validate() error {
	u, err := url.Parse(b.URL)
	if err != nil {
		return fmt.Errorf("--builder: %w", err)
	}
	if b.TLS != "" && u.Scheme != "tcp" {
		return fmt.Errorf("--builder-tls is for tcp://HOST:PORT, and not for %s", b)
	}
	switch {
	case b.URL == "", slices.Contains(helperSchemes, u.Scheme) && u.Host != "":
		return nil
	case slices.Contains([]string{"containerd", "unix"}, u.Scheme) && u.Host == "" && filepath.IsAbs(u.Path):
		return nil
	case u.Scheme == "tcp" && u.Hostname() != "" && u.Port() != "":
		return b.validateTCP(u)
	}
	return fmt.Errorf("--builder %q: it is one of %s", b.URL, Schemes)
}

func (b Builder) validateTCP(u *url.URL) error {
	if b.TLS != "" {
		var errs []error
		for _, name := range []string{tlsCA, tlsCert, tlsKey} {
			if _, err := os.Stat(filepath.Join(b.TLS, name)); err != nil {
				errs = append(errs, fmt.Errorf("--builder-tls: %w", err))
			}
		}
		return errors.Join(errs...)
	}
	ip := net.ParseIP(u.Hostname())
	if b.Insecure || u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("--builder %s: without TLS anybody on the way can change what is built: name a directory with %s, %s and %s with --builder-tls, or accept that with --builder-insecure",
		b.URL, tlsCA, tlsCert, tlsKey)
}

// The files of Builder.TLS, as buildctl and buildx name them.
const (
	tlsCA   = "ca.pem"
	tlsCert = "cert.pem"
	tlsKey  = "key.pem"
)

// Check says what keeps a builder from running steps, before anything is fetched for
// them.
func Check(ctx context.Context, o Options) error {
	if o.Builder.Remote() {
		c, _, err := dial(ctx, o)
		if err != nil {
			return err
		}
		return c.Close()
	}
	if o.Builder.inContainerd() {
		return checkContainerd(ctx, o)
	}
	if _, err := FindRunc(ctx, o.Builder.Runc); err != nil {
		return err
	}
	return CheckHost(o.Dir)
}

// Start starts what o.Builder names, or connects to it.
func Start(ctx context.Context, o Options) (*BuildKit, error) {
	if o.Builder.Remote() {
		return connect(ctx, o)
	}
	return embedded(ctx, o)
}

// Sweep removes what a killed run of the builder left behind on this host, with its
// state in dir: containers, mounts and bundles. BuildKit itself never looks for them,
// and a container outlives the process that started it. The caller holds the lock that
// says that no other process is in dir.
func Sweep(ctx context.Context, b Builder, dir string) error {
	switch {
	case b.Remote():
		return nil
	case b.inContainerd():
		return sweepContainerd(ctx, b, dir)
	}
	runc, err := FindRunc(ctx, b.Runc)
	if err != nil {
		return err
	}
	return sweepRunc(ctx, runc, dir)
}

// Discard removes what the builder keeps for dir outside of it. The caller then
// removes dir.
func Discard(ctx context.Context, b Builder, dir string) error {
	if b.inContainerd() {
		return discardContainerd(ctx, b, dir)
	}
	return Sweep(ctx, b, dir)
}
