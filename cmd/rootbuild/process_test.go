package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// slowRecipe runs long enough to be ended. Its program has a name of its own
// among the processes of the host.
const slowRecipe = `name: slow
version: "1"
license: MIT
build: {system: custom}
steps:
  install: |
    echo running slow
    sleep %s
    mkdir -p /dest/usr
`

const slowTarget = `name: slow
extends: ./site.yaml
packages: [slow]
recipes: [slow]
`

// slowBuild is a build in a process of its own, in a directory of its own.
type slowBuild struct {
	dir   string
	sleep string // the argument that marks the step's process
	args  []string
}

func newSlowBuild(t *testing.T) slowBuild {
	t.Helper()
	f, dir := newFixture(t), t.TempDir()
	if err := f.writeSite(dir); err != nil {
		t.Fatal(err)
	}
	b := slowBuild{dir: dir, sleep: fmt.Sprintf("1000.%d", os.Getpid())}
	b.args = append(f.args(dir), "--target", filepath.Join(dir, "slow.yaml"))
	if err := os.WriteFile(filepath.Join(dir, "slow.yaml"), []byte(slowTarget), 0o644); err != nil {
		t.Fatal(err)
	}
	b.writeRecipe(t, b.sleep)
	return b
}

func (b slowBuild) writeRecipe(t *testing.T, sleep string) {
	t.Helper()
	file := filepath.Join(b.dir, "slow", "slow", "recipe.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, slowRecipe, sleep), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start runs the build and returns once its step does, with what is still to
// be read of standard error.
func (b slowBuild) start(t *testing.T) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command("rootbuild", b.args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	r := bufio.NewReader(stderr)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("the step did not begin: %v", err)
		}
		if strings.HasSuffix(line, " running slow\n") {
			return cmd, r
		}
	}
}

// end reads what the process still says and returns that with its state.
func end(t *testing.T, cmd *exec.Cmd, stderr io.Reader) (string, *os.ProcessState) {
	t.Helper()
	rest, err := io.ReadAll(stderr)
	if err != nil {
		t.Error(err)
	}
	cmd.Wait()
	return string(rest), cmd.ProcessState
}

// leftovers are the mounts and the processes of the build that are there.
func (b slowBuild) leftovers(t *testing.T) []string {
	t.Helper()
	var left []string
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, b.dir) {
			left = append(left, "mount "+strings.Fields(line)[4])
		}
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range commands {
		// A process may be gone by now.
		command, _ := os.ReadFile(file)
		if strings.Contains(string(command), b.sleep) {
			left = append(left, "process "+file)
		}
	}
	return left
}

// finish lets the step end and expects a whole build.
func (b slowBuild) finish(t *testing.T) {
	t.Helper()
	b.writeRecipe(t, "0")
	out, err := exec.Command("rootbuild", b.args...).CombinedOutput()
	if err != nil {
		t.Fatalf("next run: %v\n%s", err, out)
	}
	if left := b.leftovers(t); left != nil {
		t.Errorf("next run left %q", left)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "roots", "current", "usr", "bin", "app")); err != nil {
		t.Errorf("next run: %v", err)
	}
}

func TestInterrupt(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			b := newSlowBuild(t)
			cmd, stderr := b.start(t)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			said, state := end(t, cmd, stderr)
			if state.ExitCode() != exitInterrupted || !strings.HasSuffix(said, "\nrootbuild: interrupted; the next run goes on from here\n") {
				t.Errorf("exit code %d, want %d; it said:\n%s", state.ExitCode(), exitInterrupted, said)
			}
			if left := b.leftovers(t); left != nil {
				t.Errorf("left %q", left)
			}
			if _, err := os.Lstat(filepath.Join(b.dir, "roots", "current")); err == nil {
				t.Error("current was switched")
			}
			b.finish(t)
		})
	}
}

// A killed process can clean up nothing: its container runs on, and the next
// run has to find that.
func TestKill(t *testing.T) {
	b := newSlowBuild(t)
	cmd, stderr := b.start(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	end(t, cmd, stderr)
	if b.leftovers(t) == nil {
		t.Error("the killed run left nothing, so this test shows nothing")
	}
	b.finish(t)
}

func TestLocked(t *testing.T) {
	b := newSlowBuild(t)
	cmd, stderr := b.start(t)
	out, err := exec.Command("rootbuild", b.args...).CombinedOutput()
	want := fmt.Sprintf("is held by process %d (rootbuild --target %s)", cmd.Process.Pid, filepath.Join(b.dir, "slow.yaml"))
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("second run: %v, %q, want one that says %q", err, out, want)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	end(t, cmd, stderr)
}
