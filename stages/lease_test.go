package stages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

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
func asNode(t *testing.T, server string, scripts ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	dir := t.TempDir()
	files := map[string]string{
		"cmdline": "quiet rootbuild.state=192.0.2.1:/diskless/state\n",
		// The last argument is where to mount.
		"bin/mount": "#!/bin/sh\nfor at; do :; done\nexec " + lookPath(t, "mount") + " --bind '" + server + "' \"$at\"\n",
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
