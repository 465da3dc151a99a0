package nfsroot_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot"
)

// write makes a file with all directories above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// kept returns for each root why it stays, under a policy that keeps nothing
// by itself.
func kept(t *testing.T, s *nfsroot.Store, sources nfsroot.Sources) map[string][]string {
	t.Helper()
	plan, err := s.Plan(nfsroot.Policy{Sources: sources, Now: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	why := map[string][]string{}
	for _, r := range plan.Roots {
		why[r.Tag] = []string{}
		for _, reason := range r.Kept {
			why[r.Tag] = append(why[r.Tag], reason.String())
		}
	}
	return why
}

// bind mounts a directory at another path too.
func bind(t *testing.T, dir, at string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(dir, at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestSources(t *testing.T) {
	const client = "clientid: 0x1\naddress: \"192.0.2.7:873\"\nstatus: confirmed\nname: \"Linux NFSv4.2 node7\"\n"
	const byClient = "may be in use: by node7 192.0.2.7 (nfsd client, of which no lease says what it mounts)"
	all := func(why string) map[string][]string { return map[string][]string{"a": {why}, "b": {why}} }
	justA := func(why string) map[string][]string { return map[string][]string{"a": {why}, "b": {}} }
	none := map[string][]string{"a": {}, "b": {}}
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir, store string)
		others  string
		want    map[string][]string
	}{
		{"nothing known", func(*testing.T, string, string) {}, "", none},
		{"a client", func(t *testing.T, d, _ string) { write(t, d+"/clients/3/info", client) }, "", all(byClient)},
		{"a client that was switched off", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "clientid: 0x1\naddress: \"192.0.2.7:873\"\nstatus: courtesy\nseconds from last renew: 5000\nname: \"Linux NFSv4.2 node7\"\n")
		}, "", all("may be in use: by node7 192.0.2.7 (nfsd client, which is silent, and may be off: nfsd forgets it after a day; no lease says what it mounted)")},
		{"a client without a word", func(t *testing.T, d, _ string) { write(t, d+"/clients/3/info", "\n") }, "",
			all("may be in use: by client 3 (nfsd client, of which no lease says what it mounts)")},
		{"a client of IPv6", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"[2001:db8::7]:873\"\n")
		}, "", all("may be in use: by 2001:db8::7 (nfsd client, of which no lease says what it mounts)")},
		{"a client of something else", func(t *testing.T, d, _ string) { write(t, d+"/clients/3/info", client) }, "192.0.2.0/24", none},
		{"a client with a lease by name", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", client)
			write(t, d+"/leases/node7", "a\n")
		}, "", justA("in use: node7 (lease)")},
		{"a lease that says what the node runs", func(t *testing.T, d, _ string) {
			write(t, d+"/leases/node7", "192.0.2.1:/exports/a tag=a digest=sha256:00 kernel=6.12\x1b[2J\n")
		}, "", justA(`in use: node7 (lease, kernel "6.12\x1b[2J")`)},
		{"a client with a lease by address", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", client)
			write(t, d+"/leases/rack1/192.0.2.7", "192.0.2.1:/exports/a / nfs4 ro\n")
		}, "", justA("in use: rack1/192.0.2.7 (lease)")},
		{"a client with an id and a lease by name", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"192.0.2.7:873\"\nname: \"Linux NFSv4.2 4c4c4544-52:54:00:12:34:56/node7\"\n")
			write(t, d+"/leases/node7", "a\n")
		}, "", justA("in use: node7 (lease)")},
		{"a client of NFS 4.0 with an id and a lease by name", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"192.0.2.7:873\"\nname: \"Linux NFSv4.0 node7/52:54:00:12:34:56/192.0.2.1\"\n")
			write(t, d+"/leases/node7", "a\n")
		}, "", justA("in use: node7 (lease)")},
		{"a client without a name and a lease by its card", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"192.0.2.7:873\"\nname: \"Linux NFSv4.2 4c4c4544-52:54:00:12:34:56/(none)\"\n")
			write(t, d+"/leases/52-54-00-12-34-56", "a\n")
		}, "", justA("in use: 52-54-00-12-34-56 (lease)")},
		{"a client that has the server's lease only", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"192.0.2.7:873\"\nname: \"Linux NFSv4.0 node7/192.0.2.1\"\n")
			write(t, d+"/leases/192.0.2.1", "a\n")
		}, "", map[string][]string{"a": {"in use: 192.0.2.1 (lease)", byClient}, "b": {byClient}}},
		{"two clients without a name, and a lease of nobody", func(t *testing.T, d, _ string) {
			write(t, d+"/clients/3/info", "address: \"192.0.2.7:873\"\nname: \"Linux NFSv4.2 (none)\"\n")
			write(t, d+"/leases/(none)", "a\n")
		}, "", map[string][]string{"a": {"in use: (none) (lease)", "may be in use: by 192.0.2.7 (nfsd client, of which no lease says what it mounts)"},
			"b": {"may be in use: by 192.0.2.7 (nfsd client, of which no lease says what it mounts)"}}},
		{"a lease of nothing", func(t *testing.T, d, _ string) { write(t, d+"/leases/node7", "") }, "", all("may be in use: by node7 (lease, which is empty)")},
		{"a torn lease", func(t *testing.T, d, _ string) { write(t, d+"/leases/node7", "192.0.2.1:/diskless/nfs") }, "",
			all(`may be in use: by node7 (lease, which names no root: "192.0.2.1:/diskless/nfs")`)},
		{"a lease of current", func(t *testing.T, d, _ string) { write(t, d+"/leases/node7", "current") }, "",
			all(`may be in use: by node7 (lease, which names no root: "current")`)},
		{"a lease that is a link", func(t *testing.T, d, _ string) {
			write(t, d+"/leases/node7", "a")
			if err := os.Symlink("node7", d+"/leases/node8"); err != nil {
				t.Fatal(err)
			}
		}, "", map[string][]string{"a": {"in use: node7 (lease)", "may be in use: by node8 (lease, which cannot be read)"}, "b": {"may be in use: by node8 (lease, which cannot be read)"}}},
		{"a lease that is a fifo", func(t *testing.T, d, _ string) {
			write(t, d+"/leases/node7", "a")
			if err := unix.Mkfifo(d+"/leases/node\x1b8", 0o666); err != nil {
				t.Fatal(err)
			}
		}, "", map[string][]string{"a": {"in use: node7 (lease)", `may be in use: by "node\x1b8" (lease, which is no file)`}, "b": {`may be in use: by "node\x1b8" (lease, which is no file)`}}},
		{"rmtab names a root", func(t *testing.T, d, s string) {
			write(t, d+"/rmtab", "node7:"+s+"/a:0x00000001\n\n2001:db8::7:"+s+"/gone:0x1\nnode9:/usr:0x00000001\nnode9:"+filepath.Dir(s)+"/beside:0x1\n")
		}, "", justA("in use: node7 (rmtab)")},
		{"rmtab names what is below a root", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "192.0.2.7:"+s+"/a/usr:0x1\n") }, "", justA("in use: 192.0.2.7 (rmtab)")},
		{"rmtab names current", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "192.0.2.7:"+s+"/current:0x1\n") }, "",
			all("may be in use: by 192.0.2.7 (rmtab, which mounts current as it was then)")},
		{"rmtab names current, and a lease the root", func(t *testing.T, d, s string) {
			write(t, d+"/rmtab", "192.0.2.7:"+s+"/current:0x1\n")
			write(t, d+"/leases/192.0.2.7", "a")
		}, "", justA("in use: 192.0.2.7 (lease)")},
		{"rmtab names the store", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "node7:"+s+":0x1\n") }, "",
			all("may be in use: by node7 (rmtab, which mounts STORE)")},
		{"rmtab names a directory above", func(t *testing.T, d, s string) { write(t, d+"/rmtab", "node7:"+filepath.Dir(s)+"/:0x1\n") }, "",
			all("may be in use: by node7 (rmtab, which mounts ABOVE)")},
		{"rmtab names a root that is mounted elsewhere", func(t *testing.T, d, s string) {
			bind(t, s+"/a", d+"/export")
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/export/usr:0x1\n")
		}, "", justA("in use: 192.0.2.7 (rmtab)")},
		{"rmtab names a root of a store that is mounted elsewhere", func(t *testing.T, d, s string) {
			bind(t, s, d+"/export")
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/export/a:0x1\n")
		}, "", justA("in use: 192.0.2.7 (rmtab)")},
		{"rmtab names current of a store that is mounted elsewhere", func(t *testing.T, d, s string) {
			bind(t, s, d+"/export")
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/export/current:0x1\n")
		}, "", all("may be in use: by 192.0.2.7 (rmtab, which mounts current as it was then)")},
		{"rmtab names what is above a store, mounted elsewhere", func(t *testing.T, d, s string) {
			bind(t, filepath.Dir(s), d+"/export")
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/export:0x1\n")
		}, "", all("may be in use: by 192.0.2.7 (rmtab, which mounts DIR/export)")},
		{"rmtab names a symlink to a root", func(t *testing.T, d, s string) {
			if err := os.Symlink(s+"/a", d+"/boot"); err != nil {
				t.Fatal(err)
			}
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/boot:0x1\n")
		}, "", all("may be in use: by 192.0.2.7 (rmtab, which mounts DIR/boot, a symlink to what it was then)")},
		{"rmtab names a path that is not here, and a tag", func(t *testing.T, d, s string) {
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/none/a:0x1\n")
		}, "", justA("in use: 192.0.2.7 (rmtab)")},
		{"rmtab names a path that is not here", func(t *testing.T, d, s string) {
			write(t, d+"/rmtab", "192.0.2.7:"+d+"/none/a/usr:0x1\n")
		}, "", all("may be in use: by 192.0.2.7 (rmtab, which mounts DIR/none/a/usr, and here is no such path)")},
		{"boot configuration", func(t *testing.T, d, _ string) {
			write(t, d+"/pxe/pxelinux.cfg/default", "append nfsroot=192.0.2.1:/diskless/nfsroot/a,ro\n")
			write(t, d+"/pxe/grub.cfg", "# not ab, b2 nor x-b\n")
			write(t, d+"/pxe/vmlinuz", "MZ\x00 b ")
			if err := os.Symlink("nowhere", d+"/pxe/dangling"); err != nil {
				t.Fatal(err)
			}
		}, "", justA("in use: pxelinux.cfg/default (pxe)")},
		{"boot configuration in a sentence", func(t *testing.T, d, _ string) { write(t, d+"/pxe/notes", "Rack 1 boots a.\n") }, "", justA("in use: notes (pxe)")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := t.TempDir()
			s := twoRoots(t, d+"/above/store")
			for _, sub := range []string{"leases", "pxe", "above/beside"} {
				if err := os.Mkdir(filepath.Join(d, sub), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			test.prepare(t, d, s.Dir())
			sources := nfsroot.Sources{Clients: d + "/clients", Rmtab: d + "/rmtab", Leases: d + "/leases", PXE: d + "/pxe"}
			if test.others != "" {
				sources.Others = []netip.Prefix{netip.MustParsePrefix(test.others)}
			}
			got := kept(t, s, sources)
			for _, reasons := range got {
				for i, r := range reasons {
					reasons[i] = strings.NewReplacer(s.Dir(), "STORE", filepath.Dir(s.Dir()), "ABOVE", d, "DIR").Replace(r)
				}
			}
			equal(t, "reasons", got, test.want)
		})
	}
}

// TestSourcesThroughSymlink mounts the store by another name than it was opened by.
func TestSourcesThroughSymlink(t *testing.T) {
	d := t.TempDir()
	if err := os.MkdirAll(d+"/real", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", d+"/named"); err != nil {
		t.Fatal(err)
	}
	s := twoRoots(t, d+"/named")
	for _, name := range []string{"real", "named"} {
		write(t, d+"/rmtab", "node7:"+d+"/"+name+"/b:0x1\n")
		if got := kept(t, s, nfsroot.Sources{Rmtab: d + "/rmtab"}); !slices.Equal(got["b"], []string{"in use: node7 (rmtab)"}) {
			t.Errorf("by the name %s: %v", name, got)
		}
	}
}

// TestSourcesUnreadable wants an error, and not a guess.
func TestSourcesUnreadable(t *testing.T) {
	d := t.TempDir()
	s := twoRoots(t, d+"/store")
	write(t, d+"/rmtab", "what is this\n")
	write(t, d+"/file", "")
	for name, sources := range map[string]nfsroot.Sources{
		"rmtab:1: ":             {Rmtab: d + "/rmtab"},
		"reading leases":        {Leases: d + "/none"},
		"boot configuration":    {PXE: d + "/none"},
		"reading nfsd's client": {Clients: d + "/file"},
	} {
		before := treeOf(t, s.Dir())
		if _, err := s.Collect(t.Context(), nfsroot.Policy{Sources: sources}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Collect: %v, want an error with %q", err, name)
		}
		if err := s.Remove(t.Context(), []string{"a"}, sources); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Remove: %v, want an error with %q", err, name)
		}
		equal(t, "store", treeOf(t, s.Dir()), before)
	}
}
