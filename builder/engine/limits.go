package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
	"golang.org/x/sys/unix"
)

// limits is the cgroup that all steps of an engine run in. It leaves the host a part of
// its memory and its process ids, so that a recipe cannot take the builder down.
type limits struct {
	name  string
	group cgroups.Manager
}

// newLimits makes the cgroup of the engine in dir, which has one at a time.
func newLimits(dir string) (*limits, error) {
	resources, err := stepResources()
	if err != nil {
		return nil, err
	}
	l := &limits{name: ownName(dir)}
	l.group, err = manager.New(&cgroups.Cgroup{Path: "/" + l.name, Resources: resources})
	if err != nil {
		return nil, err
	}
	const nobody = -1 // runc puts the steps below
	if err := l.group.Apply(nobody); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if err := l.group.Set(resources); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// ownName names what belongs to the engine in dir, outside of it.
func ownName(dir string) string {
	return fmt.Sprintf("rootbuild-%x", sha256.Sum256([]byte(dir)))[:22]
}

// limit returns the cgroup of the steps, and what removes it. A host may not let one be
// made: in a container, for one.
func (o Options) limit() (name string, remove func() error) {
	l, err := newLimits(o.Dir)
	if err != nil {
		if o.Note != nil {
			o.Note(fmt.Sprintf("steps run without limits of memory and processes: %v", err))
		}
		return "", func() error { return nil }
	}
	return l.name, l.close
}

func (l *limits) close() error { return l.group.Destroy() }

// stepResources are nine tenths of the host's memory, and half of the processes that it
// can have.
func stepResources() (*cgroups.Resources, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return nil, err
	}
	processes, err := mostProcesses()
	if err != nil {
		return nil, err
	}
	processes /= 2
	return &cgroups.Resources{
		Memory:    int64(info.Totalram*uint64(info.Unit)) / 10 * 9,
		PidsLimit: &processes,
	}, nil
}

// mostProcesses is how many threads the kernel lets there be.
func mostProcesses() (int64, error) {
	var most int64
	for _, file := range []string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"} {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", file, err)
		}
		if most == 0 || n < most {
			most = n
		}
	}
	return most, nil
}

const (
	spareDisk     = 512 << 20 // bytes that steps leave on the disk
	spareFraction = 50        // or this part of the disk, where that is less
	diskInterval  = 200 * time.Millisecond
)

// FullError says that the steps of a build filled the disk.
type FullError struct {
	Dir         string
	Free, Spare uint64 // bytes
}

// Error names the directory and what to do.
func (e *FullError) Error() string {
	return fmt.Sprintf("the build was stopped: %s has %d MiB free, and %d are kept for the host; free more, or name a directory on a larger disk with --state",
		e.Dir, e.Free>>20, e.Spare>>20)
}

// watch ends the context for the reason that check gives, which it asks at intervals.
func watch(ctx context.Context, interval time.Duration, check func(context.Context) error) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			if err := check(ctx); err != nil {
				cancel(err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// checkDisk says when dir has too little space left. A step that fills the disk would
// take whatever else writes there down with it.
func checkDisk(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	size := uint64(s.Bsize)
	spare := min(spareDisk, s.Blocks*size/spareFraction)
	if free := s.Bavail * size; free < spare {
		return &FullError{dir, free, spare}
	}
	return nil
}
