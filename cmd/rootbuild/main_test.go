package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rootbuild/rootbuild/builder/buildertest"
)

var update = flag.Bool("update", false, "write the expected texts of the scripts anew")

func TestMain(m *testing.M) {
	if err := hideConfig("/etc/rootbuild"); err != nil {
		fmt.Fprintln(os.Stderr, "hiding this host's configuration from the tests:", err)
		os.Exit(1)
	}
	testscript.Main(m, map[string]func(){"rootbuild": main, "watched": watchedMain})
}

// hideConfig runs the tests where a directory is empty that the commands read, if this
// host has it: in a mount namespace of their own.
func hideConfig(dir string) error {
	const hidden = "ROOTBUILD_TEST_HIDDEN"
	if _, err := os.Stat(dir); os.Getenv(hidden) != "" || errors.Is(err, fs.ErrNotExist) || os.Geteuid() != 0 {
		return nil
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	args := append([]string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs tmpfs "$0" && exec "$@"`, dir}, os.Args...)
	return syscall.Exec(unshare, args, append(os.Environ(), hidden+"=1"))
}

// TestScripts runs the command as a user does: a script for each verb and for
// each kind of fault. Builds are real, on a base of this host's own programs.
func TestScripts(t *testing.T) {
	f := newFixture(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("BASE", f.base)
			e.Setenv("OTHER_BASE", f.otherBase)
			e.Setenv("RUNC", f.runc)
			e.Setenv("HOME", e.WorkDir)
			// What the race detector is told of this process holds for those too.
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return f.writeSite(e.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"build":    scriptBuild,
			"run":      scriptRun,
			"layers":   scriptLayers,
			"tree":     scriptTree,
			"registry": scriptRegistry,
			"serve":    scriptServe,
		},
	})
}

// fixture is what a build of the tests takes.
type fixture struct {
	base      string // as --base takes it
	otherBase string // with the same tools
	runc      string
}

// newFixture skips where no build can run, which is never so in CI.
func newFixture(t *testing.T) fixture {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("builds need root")
	}
	runc, err := buildertest.Runc()
	if err != nil {
		t.Fatal(err)
	}
	return fixture{base: newBase(t, "one"), otherBase: newBase(t, "other"), runc: runc}
}

func newBase(t *testing.T, comment string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := buildertest.Base(dir, comment); err != nil {
		t.Fatal(err)
	}
	return "oci:" + dir
}

// writeSite writes the target of the tests to dir: site.yaml, its recipes, and
// the source of one of them in dist.
func (f fixture) writeSite(dir string) error {
	site, err := txtar.ParseFile(filepath.Join("testdata", "site.txtar"))
	if err != nil {
		return err
	}
	if err := txtar.Write(site, dir); err != nil {
		return err
	}
	return writeTarball(filepath.Join(dir, "dist", "hello-1.tar"), "hello-1/greeting", "hello, nodes\n")
}

// args are the arguments of a build of the site in dir.
func (f fixture) args(dir string) []string {
	return []string{
		"--target", filepath.Join(dir, "site.yaml"), "--base", f.base, "--runc", f.runc,
		"--state", filepath.Join(dir, "state"), "--nfsroot", filepath.Join(dir, "roots"),
		"--distdir", filepath.Join(dir, "dist"), "--progress", "plain",
	}
}
