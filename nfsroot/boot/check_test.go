package boot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

// Each way in which a machine does not come up ends the wait with its reason.
// The machine is shell text here, since no real one fails on demand; the NFS
// server is real.
func TestCheckFails(t *testing.T) {
	for _, test := range []struct {
		name, machine string
		timeout       time.Duration
		check, detail string // the check that fails, and why
	}{
		{"panic", "echo 'Kernel panic - not syncing: no init'; exec sleep 1000", 0, "root by NFS", "the console says: Kernel panic"},
		{"initramfs", "echo 'rootbuild: root: no such export'; echo 'rootbuild: rebooting in 5 s'; exec sleep 1000", 0, "root by NFS", "the console says: rootbuild: root: no such export"},
		{"emulator", "echo 'no such machine' >&2; exit 3", 0, "root by NFS", "the machine went down: QEMU ended: exit status 3 no such machine"},
		{"silent", "echo 'rootbuild: waiting'; exec sleep 1000", time.Second, "root by NFS", "not done within 1s; the console's last line: rootbuild: waiting"},
		{"service", "echo 'rootbuild: root: x by NFS 4.2'; echo ' * sshd: FAILED (status 1)'; sleep 1", 0, "runlevel", "sshd: FAILED (status 1)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t)
			report, err := boot.Check(t.Context(), fakeMachine(t, test.machine, s, test.timeout))
			if err != nil {
				t.Fatal(err)
			}
			if report.Passed {
				t.Error("it passed")
			}
			var failed boot.Result
			for _, c := range report.Checks {
				if c.Verdict == boot.Failed {
					failed = c
					break
				}
			}
			if failed.Check != test.check || !strings.Contains(failed.Detail, test.detail) {
				t.Errorf("got %s: %s, want %s: %s", failed.Check, failed.Detail, test.check, test.detail)
			}
			for _, c := range report.Checks {
				if (c.Check == "two" || c.Check == "shutdown") && c.Verdict != boot.Skipped {
					t.Errorf("%s: %s, want not run", c.Check, c.Verdict)
				}
			}
		})
	}
}

// The server is a part of the machine: without it nothing more is to be seen.
func TestCheckServerDies(t *testing.T) {
	s := startServer(t)
	o := fakeMachine(t, "exec sleep 1000", s, 0)
	time.AfterFunc(time.Second, s.Stop)
	report, err := boot.Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Checks[0]; got.Verdict != boot.Failed || !strings.Contains(got.Detail, "the NFS server does not answer") {
		t.Errorf("got %+v", got)
	}
}

func TestCheckReport(t *testing.T) {
	s := startServer(t)
	o := fakeMachine(t, "echo a line; exit 0", s, 0)
	report, err := boot.Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range report.Checks {
		names = append(names, c.Check)
	}
	want := []string{"root by NFS", "runlevel", "ssh login", "services", "one", "two", "/ is read-only", "shutdown", "console"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if log, err := os.ReadFile(report.Log); err != nil || string(log) != "a line\n" {
		t.Errorf("the log: %v, %q", err, log)
	}
}

// fakeMachine are options to check a root with two checks, on a machine of shell text.
func fakeMachine(t *testing.T, machine string, s *boot.Server, timeout time.Duration) boot.Options {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	program := filepath.Join(dir, "qemu-system-x86_64")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+machine+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	root := writeTree(t, map[string]string{
		"usr/lib/rootbuild/checks/two": "#!/bin/sh\n# within: 5s\ntrue\n",
		"usr/lib/rootbuild/checks/one": "true\n",
	})
	return boot.Options{
		Root: root, NFS: "127.0.0.1:" + root + ",port=" + fmt.Sprint(s.Port), Initramfs: program, Kernel: program,
		Accel: "tcg", Timeout: timeout, Dir: dir, Log: filepath.Join(dir, "log"),
	}
}
