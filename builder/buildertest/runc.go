package buildertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Runc returns the path of the runc that `make build` left in this checkout.
func Runc() (string, error) { return program("runc", "make build") }

// program returns the path of a program in bin, which is made by what.
func program(name, what string) (string, error) {
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
	file := filepath.Join(dir, "bin", name)
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("the tests of builds need bin/%s, run %s: %w", name, what, err)
	}
	return file, nil
}
