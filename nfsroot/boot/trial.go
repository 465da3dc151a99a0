package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/nfsroot/entries"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

// Trial is a boot of one root that finds and makes what it takes. Its files are in a
// directory of its own, which stays when a check failed, so that the machine can be
// started by hand.
type Trial struct {
	// Options have the Root and the Export. A Kernel and an Initramfs that they do not
	// name are the root's own; where it has none, they are found and made. A Log that
	// they do not name is chosen; Dir is the trial's own.
	Options
	// Tag is the root's name.
	Tag string
	// Image is the digest of the image that the root is of; "" where that is not known.
	Image string
	// Boots is the directory of boots. Files are in TAG below it, the console's
	// output is in TAG.log, what the boot showed in TAG.json.
	Boots string
	// Modules is the directory of the kernel's modules, for an initramfs that is made.
	// The default is where the host has them.
	Modules string
	// FindKernel finds a kernel for a root that has none, and the directory of its
	// modules, or "" for the default.
	FindKernel func(ctx context.Context) (kernel, modules string, err error)
	// MakeInitramfs writes the initramfs of a kernel whose modules are in a
	// directory, or with "" one without modules.
	MakeInitramfs func(ctx context.Context, modules, file string) error
	// Note is told what a person should know; it may be nil.
	Note func(string)
}

// Run boots the root, as Check does.
func (t Trial) Run(ctx context.Context) (_ Report, err error) {
	// Absolute, for the command lines that a person is told.
	dir, err := filepath.Abs(filepath.Join(t.Boots, t.Tag))
	if err != nil {
		return Report{}, fmt.Errorf("finding the directory of the boot: %w", err)
	}
	lock, err := takeDir(dir, "rootbuild boot "+t.Tag)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	o := t.Options
	o.Dir, o.Log = dir, cmp.Or(o.Log, dir+".log")
	if o, err = t.choose(ctx, o); err != nil {
		return Report{}, err
	}
	began := time.Now().UTC()
	report, err := Check(ctx, o)
	if err == nil {
		err = keep(dir, Record{Image: t.Image, Tag: t.Tag, At: began, Report: report})
	}
	if report.Passed && o.Hold == nil || err != nil && len(report.Checks) == 0 {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return report, err
}

// choose adds the kernel and the initramfs that the options do not name.
func (t Trial) choose(ctx context.Context, o Options) (Options, error) {
	modules := t.Modules
	if o.Kernel == "" {
		own, err := entries.FindKernel(o.Root)
		switch {
		case err == nil:
			o.Kernel = filepath.Join(o.Root, own.Path)
			o.Initramfs = cmp.Or(o.Initramfs, filepath.Join(o.Root, own.Initramfs))
		case !errors.Is(err, entries.ErrNoKernel):
			return o, fmt.Errorf("looking for the root's kernel: %w", err)
		default:
			var found string
			if o.Kernel, found, err = t.FindKernel(ctx); err != nil {
				return o, err
			}
			modules = cmp.Or(modules, found)
		}
	}
	if o.Initramfs == "" {
		o.Initramfs = filepath.Join(o.Dir, "initramfs.cpio.zst")
		if modules == "" {
			modules = t.modules(o.Kernel)
		}
		return o, t.MakeInitramfs(ctx, modules, o.Initramfs)
	}
	return o, nil
}

// modules is the directory of a kernel's modules, or "". A kernel whose modules are
// not found may have all that it takes built in.
func (t Trial) modules(kernel string) string {
	dir, found := modulesOf(kernel)
	if !found {
		if t.Note != nil {
			t.Note(fmt.Sprintf("no modules in %s (see --kernel-modules): going without", dir))
		}
		return ""
	}
	return dir
}

// takeDir makes dir new and empty, for as long as the lock beside it is held.
func takeDir(dir, command string) (_ io.Closer, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of boots: %w", err)
	}
	if err := errors.Join(safeopen.Dir(filepath.Dir(dir)), safeopen.Subdir(filepath.Dir(dir))); err != nil {
		return nil, fmt.Errorf("looking at the directory of boots: %w", err)
	}
	lock, err := lockfile.Acquire(dir+".lock", command)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+".log"), os.RemoveAll(dir+recordSuffix), os.Mkdir(dir, 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the directory of the boot: %w", err), lock.Close())
	}
	return lock, nil
}
