package buildertest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/builder/engine"
)

// Daemon is a builder of the tests: a process that listens.
type Daemon struct {
	// URL is how it is reached.
	URL string
	// Dir is where it keeps its state and its log.
	Dir string

	address string // of its socket
	args    []string
	cmd     *exec.Cmd
}

// startTimeout is how long a daemon may take to listen, on a busy machine.
const startTimeout = 2 * time.Minute

// Buildkitd starts a buildkitd that listens on a socket of its own, with more
// arguments.
func Buildkitd(t testing.TB, args ...string) *Daemon {
	t.Helper()
	daemon, err := program("buildkitd", "make bin/buildkitd")
	if err != nil {
		t.Fatal(err)
	}
	runc, err := Runc()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := &Daemon{URL: "unix://" + dir + "/socket", Dir: dir, address: dir + "/socket"}
	d.args = append([]string{
		daemon, "--root", filepath.Join(dir, "root"), "--addr", d.URL, "--containerd-worker=false",
		"--oci-worker-net", "host",
	}, args...)
	t.Cleanup(func() {
		d.stop(os.Interrupt)
		// What a killed one ran.
		if err := engine.Sweep(context.Background(), engine.Builder{Runc: runc}, filepath.Join(dir, "root")); err != nil {
			t.Error(err)
		}
	})
	d.Start(t)
	return d
}

// BuildkitdTLS starts one that listens on TCP, with the certificates in a directory.
func BuildkitdTLS(t testing.TB, tls string) (url string) {
	t.Helper()
	url = fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
	Buildkitd(t, "--addr", url, "--tlscacert", filepath.Join(tls, "ca.pem"),
		"--tlscert", filepath.Join(tls, "cert.pem"), "--tlskey", filepath.Join(tls, "key.pem"))
	return url
}

// containerdConfig leaves out what a host's containerd shares with nobody, as the CRI.
const containerdConfig = `version = 2
root = %[1]q
state = %[2]q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = %[3]q
[ttrpc]
address = %[4]q
`

// Containerd starts a containerd.
func Containerd(t testing.TB) *Daemon {
	t.Helper()
	bin := filepath.Join(testCache(t), "containerd", "usr", "bin")
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("the tests of builders need containerd, run hack/setup test: %v", err)
	}
	dir := t.TempDir()
	socket, config := filepath.Join(dir, "socket"), filepath.Join(dir, "config.toml")
	text := fmt.Sprintf(containerdConfig, filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket, socket+".ttrpc")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{URL: "containerd://" + socket, Dir: dir, address: socket}
	d.args = []string{filepath.Join(bin, "containerd"), "--config", config}
	t.Cleanup(func() { d.stop(os.Interrupt) })
	d.Start(t)
	return d
}

// testCache is where hack/setup puts what is too large for a checkout.
func testCache(t testing.TB) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "rootbuild-test")
}

// Start starts it, again after a Kill, and waits until it listens.
func (d *Daemon) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(d.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	runc, err := Runc()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd = exec.Command(d.args[0], d.args[1:]...)
	// They look there for runc and for containerd's shim.
	d.cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(d.args[0])+":"+filepath.Dir(runc)+":"+os.Getenv("PATH"))
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("unix", d.address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(filepath.Join(d.Dir, "log"))
			t.Fatalf("%s does not listen: %v\n%s", d.args[0], err, text)
		}
	}
}

// Runs says whether a process was started by the daemon, or by what it started.
func (d *Daemon) Runs(pid int) bool {
	for d.cmd != nil && pid > 1 {
		if pid == d.cmd.Process.Pid {
			return true
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return false // it ended
		}
		// The name of the program may hold anything.
		var state string
		if _, err := fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &pid); err != nil {
			return false
		}
	}
	return false
}

// Kill ends it at once, as a power cut would.
func (d *Daemon) Kill() { d.stop(os.Kill) }

func (d *Daemon) stop(s os.Signal) {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(s)
	_ = d.cmd.Wait() // it was killed
	d.cmd = nil
}
