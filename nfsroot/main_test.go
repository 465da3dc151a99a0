package nfsroot_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// childVar makes the test binary run one of children in place of the tests:
// the process that a test kills, or that gives up root's rights.
const childVar = "NFSROOT_TEST_CHILD"

var children = map[string]func(dir string) error{
	"deploy":            func(dir string) error { return deploy(dir, nextLayers) },
	"nobody":            func(dir string) error { return asNobody(dir, nextLayers) },
	"nobody's own file": func(dir string) error { return asNobody(dir, ownLayers) },
	"reader":            readCurrent,
}

func TestMain(m *testing.M) {
	for name := range changes {
		children[name] = change(name)
	}
	for name := range entryChanges {
		children["entries "+name] = changeEntries(name)
	}
	child, ok := children[os.Getenv(childVar)]
	if !ok {
		os.Exit(m.Run())
	}
	// One thread, so that its system calls can be counted.
	runtime.LockOSThread()
	if err := child(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// deploy does to a store what a user does: it unpacks and switches.
func deploy(dir string, layers [][]entry) error {
	s, err := nfsroot.Open(dir, nfsroot.Options{})
	if err != nil {
		return err
	}
	img, err := imageOf(layers)
	if err != nil {
		return err
	}
	if _, err := s.Unpack(context.Background(), img, nfsroot.UnpackOptions{Tag: "next"}); err != nil {
		return err
	}
	if err := s.Switch(context.Background(), "next"); err != nil {
		return err
	}
	return s.Close()
}

// asNobody deploys without root's rights.
func asNobody(dir string, layers [][]entry) error {
	for _, drop := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
		if drop != nil {
			return drop
		}
	}
	return deploy(dir, layers)
}
