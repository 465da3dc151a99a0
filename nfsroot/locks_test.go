package nfsroot_test

import (
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/nfsroot"
)

func TestLocksOnNFS(t *testing.T) {
	// As /proc/self/mountinfo shows them.
	tests := []struct {
		name, options string
		ok            bool
	}{
		{"version 4", "rw,vers=4.2,rsize=1048576,hard,proto=tcp,timeo=600,sec=sys,clientaddr=192.0.2.2,local_lock=none,addr=192.0.2.1", true},
		{"version 3", "rw,vers=3,hard,proto=tcp,mountaddr=192.0.2.1,mountvers=3,local_lock=none,addr=192.0.2.1", true},
		{"version 3 without a lock daemon", "rw,vers=3,hard,nolock,proto=tcp,mountaddr=192.0.2.1,local_lock=all,addr=192.0.2.1", false},
		{"flock kept local", "rw,vers=4.2,hard,proto=tcp,local_lock=flock,addr=192.0.2.1", false},
		{"all kept local", "rw,vers=3,hard,proto=tcp,local_lock=all,addr=192.0.2.1", false},
		{"posix locks kept local", "rw,vers=3,hard,proto=tcp,local_lock=posix,addr=192.0.2.1", false},
		{"nothing told", "rw,vers=3", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := nfsroot.CheckLockOptions("/diskless/nfsroot", "192.0.2.1:/diskless", test.options)
			switch {
			case test.ok && err != nil:
				t.Error(err)
			case !test.ok && (err == nil || !strings.Contains(err.Error(), "/diskless/nfsroot lies on NFS (192.0.2.1:/diskless)")):
				t.Errorf("%v, want an error that names directory and server", err)
			}
		})
	}
}
