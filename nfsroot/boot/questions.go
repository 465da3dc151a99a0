package boot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// What the node says on its way, and how long each part of it may take beside
// the time-out of the whole.
var (
	mounted     = regexp.MustCompile(`^rootbuild: root: (.* by NFS .*)`)
	reached     = regexp.MustCompile(`^ \* runlevel default reached \(([0-9.]+) s\)`)
	serviceLost = regexp.MustCompile(`^ \* \S+: FAILED`)
)

const (
	loginLimit  = 60 * time.Second
	statusLimit = 30 * time.Second
)

// check asks everything of a node that is coming up.
func (b *boot) check(ctx context.Context) {
	b.step(ctx, "root by NFS", b.rootMounted)
	b.step(ctx, "runlevel", b.runlevel)
	if !b.step(ctx, "ssh login", b.login) {
		ctx = done(ctx)
	}
	b.step(ctx, "services", b.services)
	b.targetChecks(ctx)
	if b.Overlay {
		b.step(ctx, "writes", b.findWrites)
	} else {
		b.step(ctx, "/ is read-only", b.readOnly)
	}
	b.times(ctx)
}

// done is a context for what cannot be asked any more.
func done(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// await returns the first line of the console that matches.
func (b *boot) await(ctx context.Context, pattern *regexp.Regexp) (consoleLine, error) {
	for {
		line, found, more := b.console.find(pattern)
		if found {
			return line, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return consoleLine{}, context.Cause(ctx)
		}
	}
}

func (b *boot) rootMounted(ctx context.Context) (string, error) {
	line, err := b.await(ctx, mounted)
	if err != nil {
		return "", err
	}
	return mounted.FindStringSubmatch(line.text)[1], nil
}

// runlevel waits for the default runlevel. When a service failed, the wait
// ends, and what is up can be asked all the same.
func (b *boot) runlevel(ctx context.Context) (string, error) {
	line, err := b.await(ctx, regexp.MustCompile(reached.String()+"|"+serviceLost.String()))
	if err != nil {
		return "", err
	}
	if m := reached.FindStringSubmatch(line.text); m != nil {
		return m[1] + " s after the kernel's start", nil
	}
	return "", errors.New(strings.TrimPrefix(line.text, " * "))
}

func (b *boot) login(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginLimit, fmt.Errorf("no login within %s", loginLimit))
	defer cancel()
	n, err := login(ctx, b.sshAddress(), b.key)
	if err != nil {
		return "", err
	}
	b.node = n
	b.report.HostKey = fingerprint(n.hostKey)
	return b.report.HostKey, n.know(b.knownHosts(), b.sshAddress())
}

// services asks the node's rc, whose status is one when a service failed.
func (b *boot) services(ctx context.Context) (string, error) {
	ctx, cancel := within(ctx, statusLimit)
	defer cancel()
	out, err := b.node.run(ctx, "/usr/lib/rc/rc status")
	started, faults := 0, []string(nil)
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[2] == "started":
			started++
		case len(f) == 3:
			faults = append(faults, f[1]+" "+f[2])
		}
	}
	switch {
	case len(faults) > 0:
		return "", errors.New(strings.Join(faults, ", "))
	case err != nil:
		return "", err
	case started == 0:
		return "", errors.New("rc status names no service")
	}
	return fmt.Sprintf("%d started", started), nil
}

func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %s", limit))
}
