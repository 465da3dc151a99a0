package boot

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// containerSpec describes a container in which a root is looked at: nothing of
// the root can be changed, and nothing of the host is seen.
func containerSpec(o EnterOptions) (*specs.Spec, error) {
	root, err := safeopen.Root(o.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	mounts, err := containerMounts(root)
	if err != nil {
		return nil, err
	}
	command := o.Command
	if len(command) == 0 {
		command = []string{loginShell(root), "-l"}
	}
	return &specs.Spec{
		Version:  specs.Version,
		Root:     &specs.Root{Path: o.Root, Readonly: true},
		Hostname: o.Name[:min(len(o.Name), 64)],
		Mounts:   mounts,
		Process: &specs.Process{
			Terminal: o.Terminal, Cwd: home(root), Args: command, NoNewPrivileges: true,
			Env:          []string{"PATH=/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/root", "TERM=" + cmp.Or(os.Getenv("TERM"), "dumb")},
			Capabilities: &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.CgroupNamespace},
			},
			// Devices beyond the usual harmless ones are refused.
			Resources:     &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}},
			MaskedPaths:   []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"},
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}, nil
}

// capabilities let root be root among the files and processes of the container.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// containerMounts are the kernel's file systems, and a tmpfs where the node has one.
func containerMounts(root *os.Root) ([]specs.Mount, error) {
	mounts := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=1m"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "nodev", "mode=1777"}},
		{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=755"}},
	}
	own, err := fstabTmpfs(root)
	if err != nil {
		return nil, err
	}
	for _, m := range own {
		if !slices.ContainsFunc(mounts, func(o specs.Mount) bool { return o.Destination == m.Destination }) {
			mounts = append(mounts, m)
		}
	}
	return slices.DeleteFunc(mounts, func(m specs.Mount) bool { return !mountable(root, m.Destination, mounts) }), nil
}

// mountable says whether a mount point is there, or comes with a mount. runc
// would make one that is not, and so change the root.
func mountable(root *os.Root, dir string, mounts []specs.Mount) bool {
	for _, m := range mounts {
		if strings.HasPrefix(dir, m.Destination+"/") {
			return true
		}
	}
	info, err := root.Stat(rel(dir))
	return err == nil && info.IsDir()
}

// fstabTmpfs reads the tmpfs mounts of the root's fstab, sorted.
func fstabTmpfs(root *os.Root) ([]specs.Mount, error) {
	f, err := safeopen.FileIn(root, "etc/fstab")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the root's fstab: %w", err)
	}
	defer f.Close()
	var list []specs.Mount
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[2] != "tmpfs" || strings.HasPrefix(fields[0], "#") {
			continue
		}
		options := slices.DeleteFunc(strings.Split(fields[3], ","), func(o string) bool {
			return o == "auto" || o == "noauto" || o == "nofail" || strings.HasPrefix(o, "x-")
		})
		list = append(list, specs.Mount{Destination: fields[1], Type: "tmpfs", Source: "tmpfs", Options: options})
	}
	slices.SortFunc(list, func(a, b specs.Mount) int { return strings.Compare(a.Destination, b.Destination) })
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the root's fstab: %w", err)
	}
	return list, nil
}

// maxPasswd is how much of a root's passwd is read, in bytes.
const maxPasswd = 1 << 20

// loginShell is root's shell, as passwd says.
func loginShell(root *os.Root) string {
	passwd, err := safeopen.ReadIn(root, "etc/passwd", maxPasswd)
	if err != nil {
		return "/bin/sh"
	}
	for line := range strings.Lines(string(passwd)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 7 && f[2] == "0" && f[6] != "" {
			return f[6]
		}
	}
	return "/bin/sh"
}

func home(root *os.Root) string {
	if info, err := root.Stat("root"); err == nil && info.IsDir() {
		return "/root"
	}
	return "/"
}
