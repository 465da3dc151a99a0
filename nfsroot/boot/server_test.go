package boot_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

func startServer(t *testing.T) *boot.Server {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the NFS server opens files by handle, which takes root")
	}
	if _, err := exec.LookPath("ganesha.nfsd"); err != nil {
		lookPath(t, "/usr/sbin/ganesha.nfsd")
	}
	s, err := boot.StartServer(t.Context(), writeTree(t, map[string]string{"one/": ""}), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func TestServer(t *testing.T) {
	s := startServer(t)
	if err := boot.PingNFS(t.Context(), s.Address(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	host, _, err := net.SplitHostPort(s.Address())
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("it listens on %s: %v", s.Address(), err)
	}
	s.Stop()
	if err := boot.PingNFS(t.Context(), s.Address(), time.Second); err == nil {
		t.Error("it answers after Stop")
	}
}

// A server that is stopped still takes connections, by its kernel.
func TestServerSilent(t *testing.T) {
	s := startServer(t)
	if err := syscall.Kill(s.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for running(t, s.PID()) {
		time.Sleep(time.Millisecond)
	}
	if err := boot.PingNFS(t.Context(), s.Address(), 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no answer within 300ms") {
		t.Errorf("got %v, want that there is no answer", err)
	}
	s.Stop()
}

// running says whether a thread of a process is not stopped. A signal stops them one
// after the other, and the last may answer meanwhile.
func running(t *testing.T, pid int) bool {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\nState:\tT") {
			return true
		}
	}
	return false
}

func TestServerRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the NFS server opens files by handle, which takes root")
	}
	_, err := boot.StartServer(t.Context(), "/none/such", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "/none/such") {
		t.Errorf("got %v, want one that names the directory", err)
	}
}
