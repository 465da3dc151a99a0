package nfsroot

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// invokingUser prefers whom sudo acts for: "root" says nothing in a journal.
func invokingUser() string {
	for _, key := range []string{"SUDO_USER", "USER"} {
		if name := os.Getenv(key); name != "" {
			return name
		}
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

// invokingHost is where the user who started this process came from by ssh,
// or else this host.
func invokingHost() string {
	name, err := os.Hostname()
	if err != nil {
		name = ""
	}
	return cmp.Or(sshClient(), name)
}

// sshClient asks the processes above this one too: sudo hides the variable from
// what it starts.
func sshClient() string {
	for pid := os.Getpid(); pid > 1; pid = parentOf(pid) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			return ""
		}
		for variable := range bytes.SplitSeq(environ, []byte{0}) {
			value, ok := strings.CutPrefix(string(variable), "SSH_CONNECTION=")
			if from := strings.Fields(value); ok && len(from) > 0 {
				return from[0]
			}
		}
	}
	return ""
}

// parentOf returns 0 where there is no parent to be seen.
func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// "PID (COMMAND) STATE PPID ...", and the command may hold parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return parent
}
