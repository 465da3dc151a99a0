package boot_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

func TestMachineArgs(t *testing.T) {
	m := boot.Machine{
		Program: "qemu", Accel: "tcg", Kernel: "/k", Initrd: "/i", Words: []string{"a", "b=c"},
		Memory: 300, CPUs: 2, SSHPort: 2222, Hostname: "node",
	}
	const common = `qemu -nodefaults -no-user-config -no-reboot -display none -serial stdio ` +
		`-machine q35 -accel ACCEL -cpu CPU -smp 2 -m 300 ` +
		`-netdev user,id=net,hostname=node,hostfwd=tcp:127.0.0.1:2222-:22 -device virtio-net-pci,netdev=net,romfile= ` +
		`-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng ` +
		`-kernel /k -initrd /i -append `
	for _, test := range []struct{ accel, cpu string }{{"tcg", "max"}, {"kvm", "host"}} {
		t.Run(test.accel, func(t *testing.T) {
			m.Accel = test.accel
			want := append(strings.Fields(strings.NewReplacer("ACCEL", test.accel, "CPU", test.cpu).Replace(common)), "a b=c")
			if diff := cmp.Diff(want, m.Args()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The few instructions of the probe run under emulation, which is everywhere.
func TestProbe(t *testing.T) {
	program := lookPath(t, "qemu-system-x86_64")
	if err := boot.Probe(t.Context(), program, "tcg"); err != nil {
		t.Error(err)
	}
	err := boot.Probe(t.Context(), program, "none-such")
	if err == nil || !strings.Contains(err.Error(), "none-such") {
		t.Errorf("got %v, want an error with what QEMU says", err)
	}
}

// An accelerator that hangs is given up after a limit; so is one that aborts.
func TestProbeHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	program := writeScript(t, "exec sleep 1000")
	cancel()
	if err := boot.Probe(ctx, program, "kvm"); err == nil {
		t.Error("a program that only sleeps passed for an accelerator")
	}
	if err := boot.Probe(t.Context(), writeScript(t, "kill -ABRT $$"), "kvm"); err == nil || !strings.Contains(err.Error(), "abort") {
		t.Errorf("got %v, want one that says abort", err)
	}
}

func lookPath(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip("hack/setup test installs it: ", err)
	}
	return path
}
