package flags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootbuild/rootbuild/builder/sources"
	"github.com/rootbuild/rootbuild/cmd/rootbuild/cli"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

// Machine says what a virtual machine is made of.
type Machine struct {
	kernel    string
	modules   string
	initramfs string
	accel     string
	memory    int
	timeout   time.Duration
	words     []string
}

// AddFlags adds the flags of every verb that may boot a root.
func (o *Machine) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.kernel, "kernel", "", "`file` of the kernel to boot, or \"host\" for the newest /boot/vmlinuz-*, else one of Debian's, which is fetched (default: the root's own, else that of host)")
	f.StringVar(&o.modules, "kernel-modules", "", "`directory` of its modules (default: /lib/modules/VERSION of the kernel)")
	f.StringVar(&o.initramfs, "initramfs", "", "`file` of the initramfs to boot with (default: the root's own with its kernel, else built as by rootbuild initramfs)")
	f.StringVar(&o.accel, "accel", "auto", "`way` in which the machine runs instructions: "+strings.Join(boot.Accels, ", "))
	f.IntVar(&o.memory, "memory", boot.DefaultMemory, "`MiB` of memory of the machine")
	f.DurationVar(&o.timeout, "timeout", boot.DefaultTimeout, "how long a boot with all its checks may take")
	f.StringArrayVar(&o.words, "append", nil, "one more `word` for the kernel's command line; may be given again")
}

// Check refuses values that no machine can have.
func (o Machine) Check() error {
	var errs []error
	if !slices.Contains(boot.Accels, o.accel) {
		errs = append(errs, fmt.Errorf("--accel %q: it is one of %s", o.accel, strings.Join(boot.Accels, ", ")))
	}
	if o.memory < 128 {
		errs = append(errs, fmt.Errorf("--memory %d: a node takes 128 MiB at least", o.memory))
	}
	if o.timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout %s: it is a time such as 5m", o.timeout))
	}
	return errors.Join(errs...)
}

// hostKernel stands for a kernel that is not the root's own.
const hostKernel = "host"

// FindKernel says beforehand what is wrong with the kernel that is named. One that
// stands for the host's is found, and so is one for a root that has none.
func (o *Machine) FindKernel(ctx context.Context, rootHasOwn bool, make Make, s cli.Streams) error {
	if o.kernel == "" && rootHasOwn {
		return nil
	}
	if o.kernel != hostKernel && o.kernel != "" {
		_, err := boot.FindKernel(o.kernel)
		return err
	}
	kernel, modules, err := findHostKernel(ctx, make, s)
	o.kernel, o.modules = kernel, cmp.Or(o.modules, modules)
	return err
}

// findHostKernel returns the host's kernel, or else one that is fetched once and kept
// in the state directory with its modules.
func findHostKernel(ctx context.Context, make Make, s cli.Streams) (kernel, modules string, err error) {
	kernel, err = boot.FindKernel("")
	if !errors.Is(err, boot.ErrNoKernel) {
		return kernel, "", err
	}
	err = make.Hold("boot", s, func(w Workshop) error {
		kernel, modules, err = sources.DefaultKernel.Bring(ctx, w.State, w.Options.Sources, w.Options.Display)
		return err
	})
	if err != nil {
		err = fmt.Errorf("this host has no kernel in /boot: %w; install one (Debian: apt-get install linux-image-amd64), or name one with --kernel", err)
	}
	return kernel, modules, err
}

// Trial is a boot on such a machine, with an initramfs made as rootbuild initramfs does.
func (o Machine) Trial(make Make, s cli.Streams) boot.Trial {
	return boot.Trial{
		Options: boot.Options{
			Kernel: o.kernel, Initramfs: o.initramfs, Append: o.words,
			Accel: o.accel, Memory: o.memory, Timeout: o.timeout,
			Report: func(r boot.Result) { s.Note(r.String()) },
		},
		Boots: make.State.Boots(), Modules: o.modules, Note: s.Note,
		FindKernel: func(ctx context.Context) (string, string, error) { return findHostKernel(ctx, make, s) },
		MakeInitramfs: func(ctx context.Context, modules, file string) error {
			initramfs := Initramfs{Output: file, target: initramfsTarget, kernelModules: modules, make: make}
			_, err := initramfs.Build(ctx, s)
			return err
		},
	}
}

// Hints says where to look on, and after a failure how to start the machine by hand.
func Hints(r boot.Report, w io.Writer) {
	fmt.Fprintf(w, "console log: %s\n", r.Log)
	if r.Passed {
		return
	}
	var commands []string
	for _, args := range r.Repeat {
		commands = append(commands, cli.ShellWords(args))
	}
	fmt.Fprintf(w, "to repeat by hand: %s\n", strings.Join(commands, " & "))
}
