package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// sample is what one run took.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // the most of any of its processes, in bytes
}

// measure runs a shell script in dir and returns what it and all the processes
// that it waited for took.
func measure(ctx context.Context, dir, script string) (sample, error) {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", script, err, out.Bytes())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{
		wall:   time.Since(start),
		cpu:    cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		memory: usage.Maxrss << 10,
	}, nil
}

// median is that of each figure by itself.
func median(samples []sample) sample {
	pick := func(of func(sample) int64) int64 {
		var list []int64
		for _, s := range samples {
			list = append(list, of(s))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	return sample{
		wall:   time.Duration(pick(func(s sample) int64 { return int64(s.wall) })),
		cpu:    time.Duration(pick(func(s sample) int64 { return int64(s.cpu) })),
		memory: pick(func(s sample) int64 { return s.memory }),
	}
}

// onFresh calls f with a new directory on a new file system: ext4 of this size in a
// file, or where that cannot be mounted just a new directory. It says which.
func onFresh(ctx context.Context, dir, size string, f func(dir string) error) (kind string, err error) {
	at := filepath.Join(dir, "fresh")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return "", err
	}
	disk := filepath.Join(dir, "disk")
	defer func() { err = errors.Join(err, os.RemoveAll(at), os.RemoveAll(disk)) }()
	script := fmt.Sprintf("truncate -s %[3]s %[1]q && mkfs.ext4 -q -F %[1]q && mount -o loop %[1]q %[2]q", disk, at, size)
	if out, err := exec.CommandContext(ctx, "sh", "-c", script).CombinedOutput(); err != nil {
		return fmt.Sprintf("a new directory, for ext4 could not be mounted: %s", bytes.TrimSpace(out)), f(at)
	}
	defer func() {
		if out, umountErr := exec.Command("umount", at).CombinedOutput(); umountErr != nil {
			err = errors.Join(err, fmt.Errorf("unmounting %s: %w: %s", at, umountErr, out))
		}
	}()
	return "a new ext4 in a file, for each run", f(at)
}
