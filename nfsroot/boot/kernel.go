package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Where the host's kernels are, and how their names begin.
const (
	kernelDir    = "/boot"
	kernelPrefix = "vmlinuz-"
)

// ErrNoKernel is wrapped by errors of hosts that have no kernel of their own.
var ErrNoKernel = errors.New("no kernel")

// FindKernel returns the kernel to boot: the file named, else the newest of the
// host's.
func FindKernel(named string) (string, error) {
	if named != "" {
		_, err := os.Stat(named)
		return named, err
	}
	found, err := filepath.Glob(filepath.Join(kernelDir, kernelPrefix+"*"))
	if err != nil {
		return "", fmt.Errorf("internal error: %w", err)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%w %s/%s*: install one (Debian: apt-get install linux-image-amd64), or name one with --kernel", ErrNoKernel, kernelDir, kernelPrefix)
	}
	return slices.MaxFunc(found, func(a, b string) int {
		return compareVersions(kernelVersion(a), kernelVersion(b))
	}), nil
}

// modulesOf returns where the host has the modules of a kernel, and whether it has
// them.
func modulesOf(kernel string) (string, bool) {
	dir := filepath.Join("/lib/modules", kernelVersion(kernel))
	_, err := os.Stat(dir)
	return dir, !errors.Is(err, fs.ErrNotExist)
}

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
