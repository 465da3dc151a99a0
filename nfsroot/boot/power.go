package boot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var poweredDown = regexp.MustCompile(`reboot: Power down`)

// shutdownLimit is how long the node may take to go down.
const shutdownLimit = 60 * time.Second

// leave powers the node off and judges how it went down.
func (b *boot) leave(ctx context.Context) {
	asked := ctx
	if b.node == nil {
		asked = done(ctx)
	}
	b.step(asked, "shutdown", b.shutdown)
	b.step(context.WithoutCancel(ctx), "console", func(context.Context) (string, error) {
		if lines := b.console.badLines(); len(lines) > 0 {
			return "", errors.New(strings.Join(lines, "\n"))
		}
		return "", nil
	})
}

func (b *boot) shutdown(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, shutdownLimit, fmt.Errorf("not off within %s", shutdownLimit))
	defer cancel()
	asking, gone := context.WithCancel(ctx)
	defer gone()
	go func() {
		_ = b.qemu.wait(ctx)
		gone()
	}()
	// The answer is lost with the connection, mostly.
	_, _ = b.node.run(asking, "poweroff")
	if err := b.qemu.wait(ctx); err != nil {
		return "", err
	}
	if _, found, _ := b.console.find(poweredDown); !found {
		return "", errors.New("the machine ended without powering down")
	}
	return "", nil
}
