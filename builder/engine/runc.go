package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"
)

// fixedRunc are the first releases of each supported line without
// CVE-2026-41579, by which a step could write outside its container.
var fixedRunc = []string{"v1.3.6", "v1.4.3", "v1.5.0"}

// FindRunc returns the path of the runc to use: path when it is not empty,
// else the one beside this program, else the one in PATH. A version with known
// holes is refused.
func FindRunc(ctx context.Context, path string) (string, error) {
	found, err := locateRunc(path)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, found, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", found, err)
	}
	version, err := parseRuncVersion(string(out))
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", found, err)
	}
	if !runcFixed(version) {
		return "", fmt.Errorf("%s is runc %s, which lets a step out of its container (CVE-2026-41579): use 1.3.6, 1.4.3, 1.5.0 or later; `make build` makes one at bin/runc",
			found, strings.TrimPrefix(version, "v"))
	}
	if !strings.Contains(string(out), "libseccomp:") {
		return "", fmt.Errorf("%s was built without seccomp and cannot run a step: build it with -tags seccomp, as `make build` does", found)
	}
	return found, nil
}

func locateRunc(path string) (string, error) {
	if path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("finding runc: %w: `make build` leaves one at bin/runc", err)
		}
		return found, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "runc")
		if found, err := exec.LookPath(beside); err == nil {
			return found, nil
		}
	}
	found, err := exec.LookPath("runc")
	if err != nil {
		return "", errors.New("no runc beside rootbuild or in PATH: `make build` leaves one at bin/runc, or name one with --runc")
	}
	return found, nil
}

// parseRuncVersion reads "runc version 1.5.2" and the like, as a semver with its v.
func parseRuncVersion(out string) (string, error) {
	first, _, _ := strings.Cut(out, "\n")
	version := "v" + strings.TrimPrefix(first, "runc version ")
	version, _, _ = strings.Cut(version, "+")
	if !semver.IsValid(version) {
		return "", fmt.Errorf("no version in %q", first)
	}
	return version, nil
}

func runcFixed(version string) bool {
	for _, fixed := range fixedRunc {
		if semver.MajorMinor(version) == semver.MajorMinor(fixed) {
			return semver.Compare(version, fixed) >= 0
		}
	}
	return semver.Compare(version, fixedRunc[len(fixedRunc)-1]) > 0
}
