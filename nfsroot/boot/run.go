package boot

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// run starts the machine, has it checked, and ends it in any case.
func (b *boot) run(ctx context.Context, log io.Writer, from source) error {
	// lasting ends with what no wait survives; up ends with the machine, too.
	lasting, fail := context.WithCancelCause(ctx)
	b.console = newConsole(log, func(line string) {
		// What a dying kernel still says is worth a second.
		time.AfterFunc(time.Second, func() { fail(fmt.Errorf("the console says: %s", line)) })
	})
	said := &tail{}
	var err error
	if b.qemu, err = start(b.machine.Args(), b.console, said); err != nil {
		fail(err)
		return err
	}
	defer b.qemu.stop()
	b.commands()
	up, ended := context.WithCancelCause(lasting)
	defer ended(nil)
	var watchers sync.WaitGroup
	watchers.Go(func() {
		if b.qemu.wait(lasting) == nil {
			ended(fmt.Errorf("the machine went down: QEMU %s %s", b.qemu.how(), said))
		}
	})
	watchers.Go(func() { b.watch(lasting, from.address, fail) })
	defer watchers.Wait()
	defer fail(nil)
	limit := time.AfterFunc(b.Timeout, func() {
		fail(fmt.Errorf("not done within %s; the console's last line: %s", b.Timeout, b.console.last()))
	})
	defer limit.Stop()

	defer b.close()
	b.check(up)
	if b.Hold == nil || up.Err() != nil {
		b.leave(lasting)
	} else if limit.Stop() {
		err = b.Hold(up, b.report.SSH)
	}
	b.report.Phases = breakdown(b.console.firmware().Seconds(), b.report.Phases)
	b.report.Passed = len(b.report.Failures()) == 0
	if b.Hold == nil && err == nil {
		// A boot that was interrupted has shown nothing.
		err = ctx.Err()
	}
	return err
}

func (b *boot) close() {
	if b.node != nil {
		b.node.close()
	}
}

// watching is the pause between two questions to the NFS server, silence how
// long it may take to answer one.
const (
	watching = 2 * time.Second
	silence  = 15 * time.Second
)

// watch ends the boot when the NFS server dies or falls silent: the machine
// itself would wait for ever.
func (b *boot) watch(ctx context.Context, address string, fail context.CancelCauseFunc) {
	for ctx.Err() == nil {
		if err := pingNFS(ctx, address, silence); err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("the NFS server does not answer: %w", err))
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(watching):
		}
	}
}

// commands notes how a person does all this by hand.
func (b *boot) commands() {
	if b.server != nil {
		b.report.Repeat = append(b.report.Repeat, b.server.Args())
	}
	b.report.Repeat = append(b.report.Repeat, b.machine.Args())
	host, port, _ := net.SplitHostPort(b.sshAddress())
	b.report.SSH = []string{"ssh", "-i", b.key.file, "-p", port, "-o", "UserKnownHostsFile=" + b.knownHosts(), "root@" + host}
}

func (b *boot) sshAddress() string { return fmt.Sprintf("127.0.0.1:%d", b.machine.SSHPort) }
func (b *boot) knownHosts() string { return filepath.Join(b.Dir, "known_hosts") }

// step runs one check, and notes what it found. A check that cannot be asked
// any more is noted as such.
func (b *boot) step(ctx context.Context, name string, check func(context.Context) (string, error)) bool {
	began := time.Now()
	if ctx.Err() != nil {
		b.note(Result{Check: name, Verdict: Skipped})
		return false
	}
	detail, err := check(ctx)
	b.note(result(name, began, detail, err))
	return err == nil
}

func result(name string, began time.Time, detail string, err error) Result {
	r := Result{Check: name, Verdict: Passed, Seconds: time.Since(began).Seconds(), Detail: strings.TrimSpace(detail)}
	if err != nil {
		r.Verdict, r.Detail = Failed, err.Error()
	}
	return r
}

func (b *boot) note(r Result) {
	b.report.Checks = append(b.report.Checks, r)
	b.Report(r)
}
