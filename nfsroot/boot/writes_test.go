package boot_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rootbuild/rootbuild/nfsroot/boot"
)

func TestTimes(t *testing.T) {
	got, err := boot.ParseTimes("initramfs:mount 3.10 4.20\nsshd 7.00 8.50\n\n")
	want := []boot.Phase{{Name: "initramfs:mount", Start: 3.1, End: 4.2}, {Name: "sshd", Start: 7, End: 8.5}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"sshd 1", "sshd x 2", "sshd 3 2"} {
		if _, err := boot.ParseTimes(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// The listing is as a node prints it: mode, device, owner, age in seconds, path.
func TestWrites(t *testing.T) {
	const listing = `uptime 100.00
path 41ed 0 0 0 0 80 /var
path 41ed 0 0 0 0 80 /var/lib
path 41c0 0 0 7 8 80 /var/lib/mail
path 81a4 0 0 7 8 80 /var/lib/mail/one
path 41ed 0 0 7 8 80 /var/lib/mail/sub
path 81a4 0 0 7 8 5 /var/lib/mail/sub/two words
path 41ed 0 0 0 0 50 /etc
path 81a4 0 0 0 0 50 /etc/mtab
path 2000 0 0 0 0 50 /etc/old
path 41ed 0 0 0 0 5 /var/spool/cron
path 81a4 0 0 0 0 5 /var/spool/cron/tab
open cron /var/spool/cron/tab
open cron /dev/null
`
	root := writeTree(t, map[string]string{
		"var/lib/keep/": "", "var/spool/cron/": "", "var/spool/other/": "", "etc/passwd": "", "etc/old": "",
	})
	traces, err := boot.ParseTraces(listing, []boot.Phase{
		{Name: "runlevel:default", Start: 10, End: 60}, {Name: "mail", Start: 19, End: 21}, {Name: "mtab", Start: 49, End: 52},
	})
	if err != nil {
		t.Fatal(err)
	}
	writes, err := boot.Summarize(root, traces)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range writes {
		got = append(got, w.String())
	}
	want := []string{
		"# /etc/mtab: written in a directory that the root fills: a symlink into /run can stand there  # probably mtab",
		"# /etc/old: deleted  # probably mtab",
		`- {path: /var/lib/mail, mode: "0700", owner: "7:8"}  # probably mail`,
		`- {path: /var/spool/cron, mode: "0755"}  # cron`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
