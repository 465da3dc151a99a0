package buildertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Runc returns the path of the runc that `make build` left in this checkout.
func Runc() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the directory of the test")
		}
	}
	runc := filepath.Join(dir, "bin", "runc")
	if _, err := os.Stat(runc); err != nil {
		return "", fmt.Errorf("the tests of builds need bin/runc, run make build: %w", err)
	}
	return runc, nil
}
