package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// sweepRunc removes what a killed run left behind: its containers, the overlay mounts
// below dir, and the executor's bundles.
func sweepRunc(ctx context.Context, runc, dir string) error {
	executor := filepath.Join(dir, "runc-"+snapshotter, "executor")
	bundles, err := filepath.Glob(filepath.Join(executor, "*", "config.json"))
	if err != nil {
		return err
	}
	var errs []error
	for _, config := range bundles {
		id := filepath.Base(filepath.Dir(config))
		if out, err := exec.CommandContext(ctx, runc, "delete", "--force", id).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("removing container %s: %w: %s", id, err, out))
		}
	}
	// What is still mounted below must not be removed: it is the cache itself.
	if err := errors.Join(append(errs, unmountBelow(dir))...); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(executor), os.RemoveAll(mountDir(dir)))
}

// unmountBelow detaches every mount below dir, the innermost first.
func unmountBelow(dir string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range slices.Backward(mounts) {
		if m.Mountpoint == dir {
			continue
		}
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmounting %s: %w", m.Mountpoint, err))
		}
	}
	return errors.Join(errs...)
}
