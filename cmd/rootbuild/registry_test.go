package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptRegistry is "registry": it starts the registry of the distribution
// project on loopback until the script ends, pushes the base there, and sets
// REGISTRY to its address and REGISTRY_BASE to the base's reference.
func scriptRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: registry")
	}
	address, err := startRegistry(ts)
	ts.Check(err)
	ref, err := pushBase(address, strings.TrimPrefix(ts.Getenv("BASE"), "oci:"))
	ts.Check(err)
	ts.Setenv("REGISTRY", address)
	ts.Setenv("REGISTRY_BASE", ref)
}

var listening = regexp.MustCompile(`listening on ([0-9.]+:[0-9]+)`)

// startRegistry returns the address that the registry listens on.
func startRegistry(ts *testscript.TestScript) (string, error) {
	config := ts.MkAbs("registry.yaml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: 127.0.0.1:0}\n", ts.MkAbs("registry"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command("docker-registry", "serve", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("starting a registry, the Debian package docker-registry: %w", err)
	}
	ts.Defer(func() {
		ts.Check(cmd.Process.Kill())
		_ = cmd.Wait() // it tells that it was killed
	})
	var told bytes.Buffer
	for lines := bufio.NewScanner(log); lines.Scan(); {
		told.Write(append(lines.Bytes(), '\n'))
		if found := listening.FindSubmatch(lines.Bytes()); found != nil {
			go func() { _, _ = told.ReadFrom(log) }() // it stops when its log is full
			return string(found[1]), nil
		}
	}
	return "", fmt.Errorf("the registry does not listen:\n%s", told.Bytes())
}

// pushBase pushes the only image of a layout and returns its reference by digest.
func pushBase(address, dir string) (string, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return "", err
	}
	ref, err := name.NewDigest(address + "/tools/base@" + manifest.Manifests[0].Digest.String())
	if err != nil {
		return "", err
	}
	return ref.String(), remote.Write(ref, img)
}
