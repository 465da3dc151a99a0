package stages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/stages"
)

// stateService returns what the service state of the embedded targets runs.
func stateService(t *testing.T) stages.Service {
	t.Helper()
	base := load(t, "embedded").Recipe("baselayout")
	i := slices.IndexFunc(base.Services, func(s stages.Service) bool { return s.Name == "state" })
	return base.Services[i]
}

// asNode runs scripts one after the other as a node would: with a /run and a
// command line of their own, and with a directory in the place of the server.
func asNode(t *testing.T, server string, scripts ...string) { mountsOf(t, server, "", scripts...) }

// mountsOf is asNode for a state server with mount options, and returns the options of
// each mount that the scripts tried. The server speaks NFS 4.0 and older alone.
func mountsOf(t *testing.T, server, options string, scripts ...string) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	dir := t.TempDir()
	files := map[string]string{
		"cmdline": "quiet rootbuild.state=192.0.2.1:/diskless/state" + options + "\n",
		"bin/mount": `#!/bin/sh
echo "$6" >>'` + dir + `/tried'
case $6 in *vers=4.[12]*) echo 'mount: Protocol not supported' >&2; exit 32 ;; esac
for at; do :; done # the last argument is where to mount
exec ` + lookPath(t, "mount") + ` --bind '` + server + `' "$at"
`,
		"node": `set -e
mount() { ` + lookPath(t, "mount") + ` "$@"; }
mount -t tmpfs tmpfs /run
mount --bind '` + dir + `/cmdline' /proc/cmdline
mkdir -p /run/rootbuild/state
echo '192.0.2.1:/diskless/nfsroot/uclibc-0123456789ab ro,vers=4.2' >/run/rootbuild/root
echo 'tag=uclibc-0123456789ab kernel=6.12.107' >/run/rootbuild/node
hostname node7
unset -f mount
PATH='` + dir + `/bin':$PATH
message() { echo "$1"; }
`,
	}
	for _, script := range scripts {
		files["node"] += "(\n" + script + "\n)\n"
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", "--mount", "--uts", "sh", filepath.Join(dir, "node"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tried, err := os.ReadFile(filepath.Join(dir, "tried"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(tried))
}

func lookPath(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A node with a directory on a server says there which root it holds, until it
// goes down.
func TestStateWritesLease(t *testing.T) {
	s, server := stateService(t), t.TempDir()
	lease := filepath.Join(server, ".leases", "node7")
	asNode(t, server, s.Start)
	text, err := os.ReadFile(lease)
	if err != nil || string(text) != "192.0.2.1:/diskless/nfsroot/uclibc-0123456789ab tag=uclibc-0123456789ab kernel=6.12.107\n" {
		t.Errorf("the lease says %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(server, "node7")); err != nil {
		t.Error(err)
	}
	asNode(t, server, s.Start, s.Stop)
	if _, err := os.Stat(lease); !os.IsNotExist(err) {
		t.Errorf("the lease of a node that went down: %v", err)
	}
}

// The state is mounted by the version of NFS that the root was read by, then by older
// ones, unless the command line names one.
func TestStateMountVersions(t *testing.T) {
	const common = "rw,nosuid,nodev,addr=192.0.2.1,"
	start := stateService(t).Start
	for _, test := range []struct {
		root, options string
		want          []string
	}{
		{"ro,vers=4.2", "", []string{"vers=4.2", "vers=4.2", "vers=4.1", "vers=4.0"}},
		{"ro,relatime,vers=4.0,rsize=1048576", "", []string{"vers=4.0"}},
		{"ro,vers=3,nolock", "", []string{"vers=3,nolock"}},
		{"ro,vers=4.2", ",vers=3,nolock", []string{"vers=3,nolock"}},
		{"ro,vers=4.1", ",soft", []string{"vers=4.1,soft", "vers=4.2,soft", "vers=4.1,soft", "vers=4.0,soft"}},
	} {
		script := "echo '192.0.2.1:/diskless/nfsroot/uclibc-0123456789ab " + test.root + "' >/run/rootbuild/root\n" + start
		var want []string
		for _, w := range test.want {
			want = append(want, common+w)
		}
		if got := mountsOf(t, t.TempDir(), test.options, script); !cmp.Equal(want, got) {
			t.Errorf("root by %s, rootbuild.state%s:\n%s", test.root, test.options, cmp.Diff(want, got))
		}
	}
}
