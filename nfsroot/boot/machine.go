package boot

import (
	"fmt"
	"strings"
)

// The emulator's program, and Debian's package that has it.
const (
	qemu        = "qemu-system-x86_64"
	qemuPackage = "qemu-system-x86"
)

// Machine is a virtual machine as a value: what QEMU is told.
type Machine struct {
	Program  string // of QEMU
	Accel    string // kvm or tcg
	Kernel   string
	Initrd   string
	Words    []string // the kernel's command line
	Memory   int      // MiB
	CPUs     int
	SSHPort  int    // of loopback, forwarded to the node's port 22
	Hostname string // as DHCP gives it
}

// Args is QEMU's command line. The console is its standard output; there is no
// disk, and whatever reboots ends the machine.
func (m Machine) Args() []string {
	return []string{
		m.Program, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-machine", "q35", "-accel", m.Accel, "-cpu", cpuModel(m.Accel), "-smp", fmt.Sprint(m.CPUs), "-m", fmt.Sprint(m.Memory),
		"-netdev", fmt.Sprintf("user,id=net,hostname=%s,hostfwd=tcp:127.0.0.1:%d-:22", m.Hostname, m.SSHPort),
		"-device", "virtio-net-pci,netdev=net,romfile=",
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
		"-kernel", m.Kernel, "-initrd", m.Initrd, "-append", strings.Join(m.Words, " "),
	}
}

// cpuModel is the processor that the machine sees: all that the accelerator can do.
func cpuModel(accel string) string {
	if accel == "kvm" {
		return "host"
	}
	return "max"
}
