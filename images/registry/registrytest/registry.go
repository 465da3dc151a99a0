// Package registrytest runs a registry of the distribution project, for tests.
package registrytest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
)

var listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)

// Start runs a registry on loopback, with plain http, that keeps what it gets
// below dir. extra is added to its configuration. It returns the address, and
// what ends the registry.
func Start(dir, extra string) (address string, stop func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	config := filepath.Join(dir, "registry.yaml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: 127.0.0.1:0}\n%s", filepath.Join(dir, "registry"), extra)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return "", nil, err
	}
	cmd := exec.Command("docker-registry", "serve", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting a registry, the Debian package docker-registry: %w", err)
	}
	stop = func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // it tells that it was killed
		return err
	}
	var told bytes.Buffer
	for lines := bufio.NewScanner(log); lines.Scan(); {
		told.Write(append(lines.Bytes(), '\n'))
		if found := listening.FindSubmatch(lines.Bytes()); found != nil {
			go func() { _, _ = told.ReadFrom(log) }() // it stops when its log is full
			return string(found[1]), stop, nil
		}
	}
	return "", nil, fmt.Errorf("the registry does not listen:\n%s", told.Bytes())
}
