package stages_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is a rendered node in a directory, which the host's shell walks.
type tree struct {
	t   *testing.T
	dir string
}

// shells are those of the host that may stand in for the shell of a node.
func shells(t *testing.T) map[string]string {
	t.Helper()
	if _, err := exec.LookPath("start-stop-daemon"); err != nil {
		t.Skip("start-stop-daemon is not installed")
	}
	list := map[string]string{"sh": "/bin/sh"}
	if busybox, err := exec.LookPath("busybox"); err == nil {
		list["busybox"] = busybox + " sh"
	}
	return list
}

// walked runs a test on the node of testdata/rc/NAME.txtar, once for each shell.
func walked(t *testing.T, name string, test func(tree)) {
	for shell, path := range shells(t) {
		t.Run(shell, func(t *testing.T) {
			node, err := nodeOf(t, archive(t, "testdata/rc/"+name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			n := tree{t, t.TempDir()}
			writeTree(t, node, n.dir, path)
			t.Cleanup(func() { n.rc("stop") })
			test(n)
		})
	}
}

// run starts a program of the tree and returns its exit code and the lines that
// it prints, with a # for the seconds.
func (n tree) run(program string, args ...string) (int, []string) {
	n.t.Helper()
	cmd := exec.Command(filepath.Join(n.dir, program), args...)
	cmd.Env = append(os.Environ(), "RC_ROOT="+n.dir, "RC_PATIENCE=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		n.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(seconds.ReplaceAllString(out.String(), "#")), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return cmd.ProcessState.ExitCode(), lines
}

var seconds = regexp.MustCompile(`[0-9]+\.[0-9]+`)

func (n tree) rc(args ...string) (int, []string) {
	n.t.Helper()
	return n.run("usr/lib/rc/rc", args...)
}

// want compares an exit code and lines.
func (n tree) want(what string, code, wantCode int, got []string, want ...string) {
	n.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" || code != wantCode {
		n.t.Errorf("%s: exit code %d, want %d (-want +got):\n%s", what, code, wantCode, diff)
	}
}

// lines returns those of a file of the tree.
func (n tree) lines(name string) []string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// The first two services of the runlevel each wait for the other: they come up
// only if they are started at once. The third needs both.
func TestRcStartsInWavesAndStopsInReverse(t *testing.T) {
	walked(t, "sound", func(n tree) {
		code, out := n.rc("sysinit")
		n.want("sysinit", code, 0, out, "* base: started (# s)", "* runlevel sysinit reached (# s)")
		code, out = n.rc("default")
		slices.Sort(out[:2])
		n.want("default", code, 0, out, "* left: started (# s)", "* right: started (# s)",
			"* top: started (# s)", "* runlevel default reached (# s)")

		code, out = n.rc("status")
		n.want("status", code, 0, out, "sysinit base started", "default left started", "default right started", "default top started")
		code, out = n.run("etc/init.d/left", "status")
		n.want("left status", code, 0, out, "left: started")
		code, out = n.rc("default")
		n.want("default again", code, 0, out, "* runlevel default reached (# s)")

		code, out = n.rc("shutdown")
		slices.Sort(out[1:3])
		n.want("shutdown", code, 0, out, "* top: stopped", "* left: stopped", "* right: stopped",
			"* last: started (# s)", "* runlevel shutdown reached (# s)")
		order := n.lines("run/order")
		n.want("order", 0, 0, order, "base", "top", "-base", "last")
		code, out = n.rc("status")
		n.want("status after shutdown", code, 0, out,
			"sysinit base stopped", "default left stopped", "default right stopped", "default top stopped")
	})
}

func TestRcKeepsTimes(t *testing.T) {
	walked(t, "sound", func(n tree) {
		n.rc("sysinit")
		line := regexp.MustCompile(`^(base|runlevel:sysinit) [0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2}$`)
		lines := n.lines("run/rootbuild/times")
		if len(lines) != 2 || !line.MatchString(lines[0]) || !line.MatchString(lines[1]) {
			t.Errorf("times are %q", lines)
		}
	})
}

func TestRcTellsFailures(t *testing.T) {
	walked(t, "faulty", func(n tree) {
		code, out := n.rc("default")
		slices.Sort(out)
		n.want("default", code, 1, out,
			"* bad-setup: FAILED (status 4)",
			"* bad-start: FAILED (status 3)",
			"* dies: FAILED (it ended)",
			"* good: started (# s)",
			"* needy: FAILED (needs bad-start)",
			"* runlevel default reached (# s)",
			"* slow: FAILED (not up after 1 s)",
			"dies: no such thing",
		)
		code, out = n.rc("status")
		n.want("status", code, 1, out, "default bad-setup failed", "default bad-start failed", "default dies failed",
			"default good started", "default slow failed", "default needy failed")
		code, out = n.run("etc/init.d/dies", "status")
		n.want("dies status", code, 1, out, "dies: failed")
	})
}

// A daemon that ends by itself has failed, and can be started again.
func TestRcSeesADaemonThatDied(t *testing.T) {
	walked(t, "sound", func(n tree) {
		n.rc("sysinit")
		n.rc("default")
		pid := n.lines("run/top.pid")[0]
		number, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(number, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if code, out := n.run("etc/init.d/top", "status"); code == 1 {
				n.want("status", code, 1, out, "top: failed")
				break
			}
		}
		code, out := n.run("usr/bin/rc-status")
		n.want("rc-status", code, 1, out, "sysinit base started", "default left started", "default right started", "default top failed")
		code, out = n.run("etc/init.d/top", "restart")
		n.want("restart", code, 0, out, "* top: started (# s)")
		if again := n.lines("run/top.pid")[0]; again == pid {
			t.Errorf("the process is still %s", pid)
		}
	})
}

// What rc starts must heed interrupts: a login below an ssh server inherits it.
func TestRcLeavesSignalsAlone(t *testing.T) {
	walked(t, "sound", func(n tree) {
		n.rc("sysinit")
		n.rc("default")
		for _, name := range []string{"left", "right", "top"} {
			status, err := os.ReadFile("/proc/" + n.lines("run/" + name + ".pid")[0] + "/status")
			if err != nil {
				t.Fatal(err)
			}
			// Bits 1 and 2 are SIGINT and SIGQUIT.
			if m := regexp.MustCompile(`SigIgn:\t[0-9a-f]{15}([0-9a-f])`).FindSubmatch(status); m == nil || strings.ContainsAny(string(m[1]), "2367abef") {
				t.Errorf("%s ignores interrupts:\n%s", name, status)
			}
		}
	})
}

func TestRcUsage(t *testing.T) {
	walked(t, "sound", func(n tree) {
		code, out := n.rc("defaults")
		n.want("rc", code, 2, out, "usage: rc sysinit|boot|default|shutdown|stop|status")
		code, out = n.run("etc/init.d/base", "begin")
		n.want("base", code, 2, out, "usage: /etc/init.d/base start|stop|restart|status")
	})
}
