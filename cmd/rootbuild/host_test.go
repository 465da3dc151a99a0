package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNoRoot(t *testing.T) {
	f, dir := newFixture(t), t.TempDir()
	if err := f.writeSite(dir); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "rootbuild")
	copyProgram(t, "/proc/self/exe", program)
	// The clone may lie where only root gets through.
	runc := filepath.Join(dir, "runc")
	copyProgram(t, f.runc, runc)
	f.runc = runc
	const nobody = 65534
	// Where t.TempDir puts its directories nobody else gets through.
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, f.args(dir)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	// The race detector's own settings name a file that nobody may not be able to read.
	cmd.Env = append(os.Environ(), "GORACE=")
	out, err := cmd.CombinedOutput()
	const want = "rootbuild: building needs root rights: overlay mounts and runc do; run it as root\n"
	if cmd.ProcessState.ExitCode() != exitFailed || string(out) != want {
		t.Errorf("got %v, %q, want exit code 1 and %q", err, out, want)
	}
}

// copyProgram copies a program, such as the running test, which is rootbuild by
// another name.
func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// A disk fills up where the base is stored, or while a step writes. Either is
// one error, and with more room the next run goes on.
func TestFullDisk(t *testing.T) {
	for _, test := range []struct{ name, size, want string }{
		{"base", "2m", "o space left on device"},
		{"step", "30m", "o space left on device"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, dir := newFixture(t), t.TempDir()
			if err := f.writeSite(dir); err != nil {
				t.Fatal(err)
			}
			recipe := filepath.Join(dir, "recipes", "hello", "recipe.yaml")
			text, err := os.ReadFile(recipe)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, "    for i in {1..30}; do { echo; cat /usr/bin/bash; } >/dest/etc/$i; done\n"...)
			if err := os.WriteFile(recipe, text, 0o644); err != nil {
				t.Fatal(err)
			}
			resize := mountTmpfs(t, filepath.Join(dir, "state"), test.size)
			cmd := exec.Command("rootbuild", f.args(dir)...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), test.want) {
				t.Errorf("got %v, %s, want exit code 1 and %q", err, out, test.want)
			}
			if n := strings.Count(string(out), "\nrootbuild: "); n > 1 {
				t.Errorf("%d lines of rootbuild, want one:\n%s", n, out)
			}
			resize("200m")
			if out, err := exec.Command("rootbuild", f.args(dir)...).CombinedOutput(); err != nil {
				t.Errorf("with more room: %v\n%s", err, out)
			}
		})
	}
}

// mountTmpfs mounts one of a size on dir, and returns what changes the size.
func mountTmpfs(t *testing.T, dir, size string) func(size string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755,size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return func(size string) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
}
