package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Accels are the values of Options.Accel: how instructions are run.
var Accels = []string{"auto", "kvm", "tcg"}

// probing is how long the few instructions of a probe may take.
const probing = 5 * time.Second

// chooseAccel resolves auto: KVM where it runs instructions, else emulation.
func chooseAccel(ctx context.Context, program, accel string) (string, error) {
	if !slices.Contains(Accels, accel) {
		return "", fmt.Errorf("accelerator %q: it is one of %v", accel, Accels)
	}
	if accel == "tcg" {
		return accel, nil
	}
	err := Probe(ctx, program, "kvm")
	switch {
	case err == nil:
		return "kvm", nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case accel == "auto":
		return "tcg", nil
	}
	return "", err
}

// firmware is a machine's whole firmware for a probe: at the reset vector,
// out 0xf4, al with 0x2a in al, which ends QEMU with the status probeStatus.
var firmware = func() []byte {
	const size, reset = 64 << 10, 64<<10 - 16
	image := make([]byte, size)
	copy(image[reset:], []byte{0xb0, 0x2a, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd})
	return image
}()

const probeStatus = 0x2a<<1 | 1

// Probe says whether QEMU runs instructions with an accelerator. That its
// device is there proves nothing: where virtualization is nested badly, QEMU
// starts and then hangs or aborts. It returns after five seconds at the latest.
func Probe(ctx context.Context, program, accel string) (err error) {
	dir, err := os.MkdirTemp("", "rootbuild-probe-")
	if err != nil {
		return fmt.Errorf("probing %s: %w", accel, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	bios := filepath.Join(dir, "bios")
	if err := os.WriteFile(bios, firmware, 0o600); err != nil {
		return fmt.Errorf("probing %s: %w", accel, err)
	}
	said := &tail{}
	p, err := start([]string{
		program, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", accel, "-cpu", cpuModel(accel),
		"-bios", bios, "-device", "isa-debug-exit,iobase=0xf4",
	}, said, said)
	if err != nil {
		return fmt.Errorf("probing %s: %w", accel, err)
	}
	// Not waited for longer: what hangs in the kernel takes no signal.
	defer p.kill()
	ctx, cancel := context.WithTimeoutCause(ctx, probing, fmt.Errorf("no instruction ran within %s", probing))
	defer cancel()
	if err := p.wait(ctx); err != nil {
		return fmt.Errorf("probing %s: %w", accel, err)
	}
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) || exit.ExitCode() != probeStatus {
		return fmt.Errorf("probing %s: QEMU %s: %s", accel, p.how(), said)
	}
	return nil
}
