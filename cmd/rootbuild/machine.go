package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootbuild/rootbuild/images"
	"github.com/rootbuild/rootbuild/nfsroot"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
	"github.com/spf13/cobra"
)

// machineOptions say what a virtual machine is made of.
type machineOptions struct {
	kernel    string
	modules   string
	initramfs string
	accel     string
	memory    int
	timeout   time.Duration
	words     []string
}

func (o *machineOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.kernel, "kernel", "", "kernel to boot (default: the newest /boot/vmlinuz-*)")
	f.StringVar(&o.modules, "kernel-modules", "", "directory of its modules (default: /lib/modules/VERSION of the kernel)")
	f.StringVar(&o.initramfs, "initramfs", "", "initramfs to boot with (default: built as by rootbuild initramfs)")
	f.StringVar(&o.accel, "accel", "auto", "how the machine runs instructions: "+strings.Join(boot.Accels, ", "))
	f.IntVar(&o.memory, "memory", boot.DefaultMemory, "MiB of memory of the machine")
	f.DurationVar(&o.timeout, "timeout", boot.DefaultTimeout, "how long a boot with all its checks may take")
	f.StringArrayVar(&o.words, "append", nil, "one more word for the kernel's command line; may be given again")
}

// check refuses values that no machine can have.
func (o machineOptions) check() error {
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

// options finds the kernel, and finds or makes the initramfs that suits it; dir
// is for what a boot makes.
func (o machineOptions) options(ctx context.Context, dir string, build buildOptions, s streams) (boot.Options, error) {
	kernel, err := o.findKernel(kernelDir)
	if err != nil {
		return boot.Options{}, err
	}
	initramfs := o.initramfs
	if initramfs == "" {
		initramfs = filepath.Join(dir, "initramfs.cpio.zst")
		if err := o.makeInitramfs(ctx, kernel, initramfs, build, s); err != nil {
			return boot.Options{}, err
		}
	}
	return boot.Options{
		Kernel: kernel, Initramfs: initramfs, Append: o.words, Dir: dir,
		Accel: o.accel, Memory: o.memory, Timeout: o.timeout,
	}, nil
}

// makeInitramfs does what rootbuild initramfs does. A kernel whose modules are
// not found may have all that it takes built in.
func (o machineOptions) makeInitramfs(ctx context.Context, kernel, file string, build buildOptions, s streams) error {
	build.target = initramfsTarget
	modules := o.modules
	if modules == "" {
		modules = filepath.Join("/lib/modules", kernelVersion(kernel))
		if _, err := os.Stat(modules); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(s.err, "no modules in %s (see --kernel-modules): going without\n", modules)
			modules = ""
		}
	}
	_, err := makeInitramfs(ctx, initramfsOptions{build: build, kernelModules: modules, output: file}, s)
	return err
}

// findKernel is the kernel to boot: as told, else the newest of a directory.
func (o machineOptions) findKernel(dir string) (string, error) {
	if o.kernel != "" {
		_, err := os.Stat(o.kernel)
		return o.kernel, err
	}
	found, err := filepath.Glob(filepath.Join(dir, kernelPrefix+"*"))
	if err != nil {
		return "", fmt.Errorf("internal error: %w", err)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("no kernel %s/%s*: install one (Debian: apt-get install linux-image-amd64), or name one with --kernel", dir, kernelPrefix)
	}
	return slices.MaxFunc(found, func(a, b string) int {
		return compareVersions(kernelVersion(a), kernelVersion(b))
	}), nil
}

// Where the host's kernels are, and how their names begin.
const (
	kernelDir    = "/boot"
	kernelPrefix = "vmlinuz-"
)

// kernelVersion is the version that the name of a kernel's file says.
func kernelVersion(file string) string {
	return strings.TrimPrefix(filepath.Base(file), kernelPrefix)
}

// compareVersions orders versions of kernels by their numbers: 6.1.0-9 is
// before 6.1.0-10.
func compareVersions(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(s string) []int {
	var list []int
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.Atoi(f)
		if err != nil {
			n = math.MaxInt
		}
		list = append(list, n)
	}
	return list
}

// nodeRoot is a root that is about to be entered or booted.
type nodeRoot struct {
	nfsroot.Root
	store string // directory of all roots
	path  string
}

// findRoot finds a root by its tag; by none, or as "current", the one that
// current names now. It is resolved once: the symlink may move at any moment.
func findRoot(dir, tag string) (nodeRoot, error) {
	view, err := nfsroot.OpenReadOnly(dir)
	if err != nil {
		return nodeRoot{}, err
	}
	if tag == "" || tag == "current" {
		if tag, err = view.Current(); err != nil {
			return nodeRoot{}, err
		}
		if tag == "" {
			return nodeRoot{}, fmt.Errorf("%s has no current root: name a tag (see rootbuild ls)", view.Dir())
		}
	}
	roots, err := view.List()
	if err != nil {
		return nodeRoot{}, err
	}
	var tags []string
	for _, r := range roots {
		if r.Tag == tag {
			return nodeRoot{Root: r, store: view.Dir(), path: view.Path(tag)}, nil
		}
		tags = append(tags, r.Tag)
	}
	return nodeRoot{}, fmt.Errorf("%w %q in %s%s", nfsroot.ErrNoRoot, tag, view.Dir(), images.DidYouMean(tag, tags))
}

// atMostOneTag refuses more than one argument.
func atMostOneTag(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%s takes one tag, not %q too", cmd.CommandPath(), args[1])}
	}
	return nil
}
