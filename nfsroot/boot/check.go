package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options say what to boot and how.
type Options struct {
	Root      string // directory of the root on this host
	Export    string // directory above it, that the NFS server exports
	NFS       string // SERVER:PATH[,OPTIONS] of the root on a server that runs; empty: a server of our own
	Kernel    string
	Initramfs string
	Append    []string // more words for the kernel's command line
	Accel     string   // one of Accels; empty: auto
	Memory    int      // MiB; 0: 512
	CPUs      int      // 0: 2
	Timeout   time.Duration
	Overlay   bool   // write to memory over the root, and find what was written
	Dir       string // keeps the files of the boot; has to be there
	Log       string // file that gets the console's output

	Report func(Result)                                  // called with each check that ended; may be nil
	Hold   func(ctx context.Context, ssh []string) error // called with the node up, in place of the shutdown; may be nil
}

// Defaults of Options.
const (
	DefaultMemory  = 512
	DefaultCPUs    = 2
	DefaultTimeout = 5 * time.Minute
)

// Check boots a root and returns what its checks found. The error is for what
// kept the machine from being started; a check that failed is in the report.
func Check(ctx context.Context, o Options) (_ Report, err error) {
	b, err := prepare(ctx, o.withDefaults())
	if err != nil {
		return Report{}, err
	}
	log, err := os.Create(b.Log)
	if err != nil {
		return Report{}, fmt.Errorf("creating the console's log: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if b.NFS == "" {
		if b.server, err = StartServer(ctx, b.Export, b.Dir); err != nil {
			return Report{}, err
		}
		defer b.server.Stop()
	}
	source, err := b.source()
	if err != nil {
		return Report{}, err
	}
	b.machine.Words = append(source.words(b.Overlay), b.Append...)
	err = b.run(ctx, log, source)
	return b.report, err
}

// CheckHost says what this host lacks for a boot with an NFS server of our own.
func CheckHost() error {
	_, emulator := find(qemu, qemuPackage)
	_, server := find(ganesha, ganeshaPackages)
	return errors.Join(emulator, server)
}

// CheckServer says what this host lacks to serve roots by NFS: the kernel's server, if
// it runs, or nfs-ganesha does.
func CheckServer() error {
	if _, err := os.Stat("/proc/fs/nfsd/threads"); err == nil {
		return nil
	}
	if _, err := find(ganesha, ganeshaPackages); err == nil {
		return nil
	}
	if _, err := find("rpc.nfsd", "nfs-kernel-server"); err == nil {
		return errors.New("the NFS server does not run: start it (Debian: systemctl start nfs-server)")
	}
	return errors.New("no NFS server: install one (Debian: apt-get install nfs-kernel-server), see docs/boot.md")
}

// boot is one machine on its way from start to power off.
type boot struct {
	Options
	scripts []script
	key     key
	machine Machine
	server  *Server
	console *console
	qemu    *process
	node    *node
	report  Report
}

// prepare finds and makes all that a machine takes before anything is started.
func prepare(ctx context.Context, o Options) (*boot, error) {
	program, err := find(qemu, qemuPackage)
	if err != nil {
		return nil, err
	}
	b := &boot{Options: o}
	if b.scripts, err = readScripts(o.Root); err != nil {
		return nil, err
	}
	if b.key, err = newKey(filepath.Join(o.Dir, "key")); err != nil {
		return nil, err
	}
	accel, err := chooseAccel(ctx, program, o.Accel)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	b.machine = Machine{
		Program: program, Accel: accel, Kernel: o.Kernel, Initrd: filepath.Join(o.Dir, "initrd"),
		Memory: o.Memory, CPUs: o.CPUs, SSHPort: port, Hostname: "rootbuild-boot",
	}
	b.report = Report{Root: o.Root, Accel: accel, Log: o.Log}
	return b, bring(o.Initramfs, b.machine.Initrd, b.key.authorized)
}

func (o Options) withDefaults() Options {
	if o.Accel == "" {
		o.Accel = "auto"
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.CPUs == 0 {
		o.CPUs = DefaultCPUs
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Report == nil {
		o.Report = func(Result) {}
	}
	return o
}
