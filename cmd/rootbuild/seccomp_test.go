package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listenerFD is where the command "watched" finds its socket.
const listenerFD = 3

// watchedMain runs its arguments as a program whose system calls of this list
// stop until the process at the other end of the socket answers. Unlike the
// counters of strace, which are one for each thread, that sees the calls of a
// Go program in their order, whatever thread makes them.
func watchedMain() {
	if err := execWatched(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(127)
}

func execWatched(args []string) error {
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	// The filter is this thread's, and exec leaves no other.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := seccompFilter()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Without WAIT_KILLABLE a signal of Go's scheduler would have a call told twice.
	listener, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("installing the seccomp filter: %w", errno)
	}
	if err := unix.Sendmsg(listenerFD, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return err
	}
	return syscall.Exec(program, args, os.Environ())
}

// seccompFilter tells of the calls that are watched, and lets all others pass.
func seccompFilter() []unix.SockFilter {
	const offsetOfNumber = 0
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offsetOfNumber}}
	left := len(watchedCalls)
	for number := range watchedCalls {
		// Over the jumps that follow, and over the "allow" after them.
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(left), K: uint32(number)})
		left--
	}
	return append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
}

// notification is a call that stops, as the kernel describes it.
type notification struct {
	id          uint64
	pid, flags  uint32
	number      int32
	arch        uint32
	instruction uint64
	args        [6]uint64
}

// answer is what becomes of it.
type answer struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// listener tells of the calls of one program.
type listener int

// startWatched starts a command under the watch of the listener that it returns.
func startWatched(cmd *exec.Cmd) (_ listener, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "listener"), os.NewFile(uintptr(pair[1]), "watched")
	defer ours.Close()
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return -1, err
	}
	return receiveListener(ours)
}

func receiveListener(f *os.File) (listener, error) {
	conn, err := net.FileConn(f)
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err == nil && len(messages) != 1 {
		err = errors.New("no listener came")
	}
	if err != nil {
		return -1, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, err
	}
	return listener(fds[0]), nil
}

// next waits for a call, and returns nil once the program has ended.
func (l listener) next() (*notification, error) {
	for {
		poll := []unix.PollFd{{Fd: int32(l), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return nil, err
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return nil, nil
		}
		n := &notification{}
		switch errno := l.ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n)); errno {
		case 0:
			return n, nil
		case unix.ENOENT, unix.EINTR: // it was killed meanwhile
		default:
			return nil, errno
		}
	}
}

// let has the kernel make the call.
func (l listener) let(n *notification) error {
	return l.send(answer{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// fail has the call return an error.
func (l listener) fail(n *notification, e unix.Errno) error {
	return l.send(answer{id: n.id, errno: -int32(e)})
}

func (l listener) send(a answer) error {
	if errno := l.ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)); errno != 0 && errno != unix.ENOENT {
		return errno
	}
	return nil
}

func (l listener) ioctl(request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l), request, uintptr(arg))
	return errno
}

func (l listener) close() error { return unix.Close(int(l)) }
