package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// watchedCalls are the system calls that change what is on a disk, make it
// durable, open it or look at it.
var watchedCalls = map[int]string{
	unix.SYS_OPEN: "open", unix.SYS_OPENAT: "openat", unix.SYS_OPENAT2: "openat2", unix.SYS_CREAT: "creat",
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite64", unix.SYS_WRITEV: "writev", unix.SYS_PWRITEV: "pwritev",
	unix.SYS_COPY_FILE_RANGE: "copy_file_range", unix.SYS_SENDFILE: "sendfile", unix.SYS_SPLICE: "splice", unix.SYS_IOCTL: "ioctl",
	unix.SYS_FALLOCATE: "fallocate", unix.SYS_TRUNCATE: "truncate", unix.SYS_FTRUNCATE: "ftruncate",
	unix.SYS_MKDIR: "mkdir", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_MKNOD: "mknod", unix.SYS_MKNODAT: "mknodat",
	unix.SYS_SYMLINK: "symlink", unix.SYS_SYMLINKAT: "symlinkat", unix.SYS_LINK: "link", unix.SYS_LINKAT: "linkat",
	unix.SYS_RENAME: "rename", unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2",
	unix.SYS_UNLINK: "unlink", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_RMDIR: "rmdir",
	unix.SYS_CHMOD: "chmod", unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHMODAT: "fchmodat", unix.SYS_FCHMODAT2: "fchmodat2",
	unix.SYS_CHOWN: "chown", unix.SYS_LCHOWN: "lchown", unix.SYS_FCHOWN: "fchown", unix.SYS_FCHOWNAT: "fchownat",
	unix.SYS_UTIMENSAT: "utimensat", unix.SYS_SETXATTR: "setxattr", unix.SYS_LSETXATTR: "lsetxattr", unix.SYS_FSETXATTR: "fsetxattr",
	unix.SYS_NEWFSTATAT: "newfstatat", unix.SYS_READLINKAT: "readlinkat", unix.SYS_GETDENTS64: "getdents64",
	unix.SYS_READ: "read", unix.SYS_PREAD64: "pread64",
	unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync", unix.SYS_SYNCFS: "syncfs", unix.SYS_SYNC: "sync",
}

var (
	opens  = []string{"open", "openat", "openat2", "creat"}
	writes = []string{"write", "pwrite64", "writev", "pwritev", "copy_file_range", "sendfile", "splice", "ftruncate", "fallocate"}
	syncs  = []string{"fsync", "fdatasync", "syncfs"}
	reads  = []string{"read", "pread64", "getdents64"}
	looks  = append([]string{"newfstatat", "readlinkat"}, reads...)
)

// fault is what a program meets at one of its system calls.
type fault struct {
	name  string
	errno unix.Errno // 0 kills it
	stays bool       // all calls after that one meet it too
	calls []string   // that can meet it; nil for all that change the disk
}

var faults = []fault{
	{name: "KILL"},
	{name: "EIO", errno: unix.EIO},
	{name: "ENOSPC", errno: unix.ENOSPC},
	{name: "ENOSPC from there on", errno: unix.ENOSPC, stays: true, calls: append(slices.Clone(writes),
		"mkdirat", "symlinkat", "linkat", "mknodat", "renameat", "renameat2", "fsetxattr", "openat")},
	{name: "EIO where it reads", errno: unix.EIO, calls: looks},
	{name: "EMFILE", errno: unix.EMFILE, calls: opens},
}

// struck is how a program fared.
type struck struct {
	calls  int    // it made that the fault could have met
	at     string // the call that met it; empty if the program ended before
	killed bool
	ok     bool   // it told success
	said   string // standard error
}

// strike runs rootbuild until it has made at such calls on a disk, below dir
// where that can be told, and has the next meet the fault.
func (f fault) strike(t *testing.T, dir string, at int, args []string) struck {
	t.Helper()
	cmd := exec.Command("watched", append([]string{"rootbuild"}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	l, err := startWatched(cmd)
	if err != nil {
		t.Fatalf("watching rootbuild: %v: %s", err, &said)
	}
	defer l.close()
	s := struck{}
	for {
		n, err := l.next()
		if err != nil {
			t.Fatal(err)
		}
		if n == nil {
			break
		}
		meets := f.meets(n, dir)
		if meets {
			s.calls++
		}
		switch {
		case meets && s.calls == at+1:
			s.at = watchedCalls[int(n.number)] + targetOfCall(n)
			err = f.hit(l, n, cmd.Process)
		case meets && s.calls > at && f.stays:
			err = f.hit(l, n, cmd.Process)
		default:
			err = l.let(n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.ok = cmd.Wait() == nil
	s.killed = f.errno == 0 && s.at != ""
	s.said = said.String()
	return s
}

func (f fault) hit(l listener, n *notification, p *os.Process) error {
	if f.errno == 0 {
		return p.Kill()
	}
	return l.fail(n, f.errno)
}

// meets says whether a call is one that the fault can strike.
func (f fault) meets(n *notification, dir string) bool {
	name := watchedCalls[int(n.number)]
	if f.calls != nil && !slices.Contains(f.calls, name) {
		return false
	}
	switch {
	case f.calls == nil && slices.Contains(looks, name):
		return false
	case f.errno == unix.EMFILE:
		return true
	case name == "ioctl":
		return n.args[1] == unix.FICLONE
	case name == "openat":
		return n.args[2]&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC) != 0
	case hasFile(name):
		return strings.HasPrefix(targetOfCall(n), " "+dir)
	}
	return true
}

// hasFile says whether the first argument of a call is the file that it is about.
func hasFile(name string) bool {
	return slices.Contains(writes, name) || slices.Contains(syncs, name) || slices.Contains(reads, name)
}

// targetOfCall names the file of a call that has it open.
func targetOfCall(n *notification) string {
	if !hasFile(watchedCalls[int(n.number)]) {
		return ""
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", n.pid, int32(n.args[0])))
	if err != nil {
		return ""
	}
	return " " + path
}
